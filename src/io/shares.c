#include "io/shares.h"

bool shares_let_handshakes(struct shares *s, uint64_t turn, bool is_out)
{
	if (turn > s->data_turn + 1 && !is_out)
		s->owed = 0;
	return s->owed == 0;
}

void shares_charge_handshakes(struct shares *s, nanos spent)
{
	s->owed = nanos_min(nanos_add(s->owed, SHARES_OF_DATA * spent), SHARES_OWED_MAX);
}

void shares_credit_data(struct shares *s, uint64_t turn, nanos spent)
{
	s->data_turn = turn;
	s->owed -= nanos_min(s->owed, spent);
}
