/*
 * The ephemeral private keys of an unchanged adit, for the tests alone: preloaded
 * (LD_PRELOAD), this stands in front of getrandom(2) and writes every draw of a
 * private key's length to the file $KEYLOG, in the words of Wireshark's key log;
 * of draws that are no key Wireshark makes nothing. So the daemon itself has
 * nothing in it that could write a key.
 *
 * The file is mapped before the daemon begins: its processes close what they do
 * not know and without privileges could open nothing. The unused rest is zeros.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_LEN	 32
#define LINE_MAX 80
#define LOG_SIZE 65536

static char *text; /* LOG_SIZE, the same memory in all processes */

static void __attribute__((constructor)) map_log(void)
{
	const char *path = getenv("KEYLOG");
	int fd = open(path ? path : "", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	text = MAP_FAILED;
	if (fd >= 0 && !ftruncate(fd, LOG_SIZE))
		text = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (text == MAP_FAILED) {
		perror("KEYLOG");
		exit(1);
	}
	close(fd);
}

static char *write_base64(char *out, const uint8_t *in, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16;
		bits |= i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0;
		bits |= i + 2 < len ? in[i + 2] : 0;
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	return out;
}

ssize_t getrandom(void *buffer, size_t len, unsigned int flags)
{
	ssize_t got = syscall(SYS_getrandom, buffer, len, flags);
	if (got != KEY_LEN)
		return got;
	size_t used = strlen(text);
	if (used + LINE_MAX > LOG_SIZE) {
		fputs("KEYLOG: full\n", stderr);
		abort();
	}
	char *end = stpcpy(text + used, "LOCAL_EPHEMERAL_PRIVATE_KEY = ");
	*write_base64(end, buffer, KEY_LEN) = '\n';
	return got;
}
