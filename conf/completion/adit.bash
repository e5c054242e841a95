# Completion of adit(8) for bash: source this, or install it as
# share/bash-completion/completions/adit. It asks `adit help` what there is, so a
# new verb or option needs no change here.

# _adit_names FOLDER SUFFIX: interfaces by the files of a folder
_adit_names() {
	local file
	for file in "$1"/*"$2"; do
		[ ! -e "$file" ] || basename -- "$file" "$2"
	done
}

_adit_verbs() {
	"$1" help 2>/dev/null | sed -n 's/^  adit \([a-z][a-z]*\) .*/\1/p'
}

# _adit_words PROGRAM VERB WORD: what may stand there, a line each
_adit_words() {
	local usage
	if [[ $3 == -* ]]; then # in the first line, or at the beginning of one that explains it
		"$1" help "$2" 2>/dev/null | sed -n '1p; /^ *--/p' |
			sed -E '2,$s/^ *(--[a-z-]*).*/\1/' | grep -oE -- '--[a-z][a-z-]*'
		return
	fi
	usage=$("$1" help "$2" 2>/dev/null | head -n 1)
	case "$2 $usage" in
	'help '*) _adit_verbs "$1" ;;
	'down '*) _adit_names "${ADIT_SOCKETS:-/var/run/wireguard}" .sock ;;
	*FILE*) _adit_names "${ADIT_CONFIGURATIONS:-/etc/wireguard}" .conf ;;
	*NAME*) _adit_names "${ADIT_SOCKETS:-/var/run/wireguard}" .sock ;;
	esac
	# a path, where one is taken
	[[ $3 != */* || $usage != *FILE* ]] || compgen -f -X '!*.conf' -- "$3"
	[[ $3 != */* || $usage != *FILE* ]] || compgen -d -S / -- "$3"
}

_adit() {
	local word=${COMP_WORDS[COMP_CWORD]} words
	if [ "$COMP_CWORD" = 1 ]; then
		words=$(_adit_verbs "$1")
	else
		words=$(_adit_words "$1" "${COMP_WORDS[1]}" "$word")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	# after a folder one goes on
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != */ ]] || compopt -o nospace 2>/dev/null
}
complete -F _adit adit
