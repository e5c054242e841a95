#include "unit/test.h"

#include <stdlib.h>

#include "text/reconcile.h"
#include "unit/short_memory.h"

static struct change file, now, said, whole;

static void begin(void)
{
	change_init(&file);
	change_init(&now);
	change_init(&said);
	change_init(&whole);
}

static void end(void)
{
	change_wipe(&file);
	change_wipe(&now);
	change_wipe(&said);
	change_wipe(&whole);
}

static struct change_peer *add(struct change *change, uint8_t i)
{
	struct change_peer *peer = change_add_peer(change, &(struct public_key){{i}});
	if (!peer)
		abort();
	return peer;
}

static void set_endpoint(struct change_peer *peer, uint8_t byte)
{
	peer->has_endpoint = true;
	peer->endpoint = (struct endpoint){.address = {IP_V4, {192, 0, 2, byte}}, .port = 5};
}

static void set_preshared_key(struct change_peer *peer, uint8_t byte)
{
	peer->has_preshared_key = true;
	peer->preshared_key.bytes[1] = byte;
}

/* Rows: what stands in the file, now, and in the last file (0: nothing), and what is meant. */
TEST(reconcile_complete_endpoints)
{
	static const struct {
		uint8_t file, now, said, meant;
	} rows[] = {
		{1, 1, 1, 1},
		{1, 9, 1, 9}, /* it roamed */
		{2, 9, 1, 2}, /* the file is news */
		{1, 9, 0, 1},
		{1, 0, 1, 1},
		{0, 9, 1, 9}, /* cannot be taken away */
		{0, 9, 0, 9}, /* a name that was looked up */
		{0, 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		struct change_peer *peers[] = {add(&file, 1), add(&now, 1), add(&said, 1)};
		const uint8_t bytes[] = {rows[i].file, rows[i].now, rows[i].said};
		for (int j = 0; j < 3; j++)
			if (bytes[j])
				set_endpoint(peers[j], bytes[j]);
		CHECK(reconcile_complete(&whole, &file, &now, &said));
		CHECK_EQ(rows[i].meant != 0, whole.peers[0].has_endpoint);
		CHECK_EQ(rows[i].meant, whole.peers[0].endpoint.address.bytes[3]);
		end();
	}
}

/* The same for keys, whose last column is a preshared key's and the private key's. */
TEST(reconcile_complete_keys)
{
	static const struct {
		uint8_t file, now, said, meant;
	} rows[] = {
		{1, 1, 1, 1},
		{1, 9, 1, 1}, /* wg(8) changed it: back to what the file says */
		{0, 9, 0, 9}, /* PostUp has set it */
		{0, 9, 1, 0}, /* the line is gone */
		{1, 0, 0, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		struct change *changes[] = {&file, &now, &said};
		const uint8_t bytes[] = {rows[i].file, rows[i].now, rows[i].said};
		for (int j = 0; j < 3; j++) {
			struct change_peer *peer = add(changes[j], 200);
			if (!bytes[j])
				continue;
			set_preshared_key(peer, bytes[j]);
			changes[j]->has_private_key = true;
			changes[j]->private_key.bytes[1] = bytes[j];
		}
		reconcile_forget_secrets(&said);
		CHECK(reconcile_complete(&whole, &file, &now, &said));
		CHECK_EQ(rows[i].meant, whole.peers[0].preshared_key.bytes[1]);
		CHECK(whole.has_private_key);
		CHECK_EQ(rows[i].meant, whole.private_key.bytes[1]);
		end();
	}
}

TEST(reconcile_complete_ports_and_marks)
{
	static const struct {
		int file, now, said, port, mark; /* -1: not said */
	} rows[] = {
		{-1, 7, -1, 7, 7},
		{-1, 7, 7, 7, 0},
		{0, 7, 7, 7, 0},
		{5, 7, 7, 5, 5},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		struct change *changes[] = {&file, &now, &said};
		const int values[] = {rows[i].file, rows[i].now, rows[i].said};
		for (int j = 0; j < 3; j++)
			if (values[j] >= 0) {
				changes[j]->has_listen_port = changes[j]->has_fwmark = true;
				changes[j]->listen_port = (uint16_t)values[j];
				changes[j]->fwmark = (uint32_t)values[j];
			}
		CHECK(reconcile_complete(&whole, &file, &now, &said));
		CHECK_EQ(rows[i].port, whole.listen_port);
		CHECK_EQ(rows[i].mark, whole.fwmark);
		end();
	}
}

TEST(reconcile_complete_leaves_ourselves_out)
{
	begin();
	struct private_key key = {{1}};
	struct public_key own;
	public_key_derive(&own, &key);
	file.has_private_key = true;
	file.private_key = key;
	add(&file, 1);
	CHECK(change_add_peer(&file, &own));
	add(&file, 2);
	CHECK(reconcile_complete(&whole, &file, &now, &said));
	CHECK_EQ(2, whole.peer_count);
	CHECK_EQ(2, whole.peers[1].public_key.bytes[0]);
	end();
}

/* A peer that came by wg(8) is the file's from now on, so its key is what the file says. */
TEST(reconcile_complete_peer_of_nobodys_file)
{
	begin();
	struct ip_prefix prefix = {{IP_V4, {10}}, 8};
	CHECK(change_peer_add_allowed_ip(add(&file, 1), &prefix, false));
	struct change_peer *peer = add(&now, 1);
	set_preshared_key(peer, 5);
	set_endpoint(peer, 6);
	CHECK(reconcile_complete(&whole, &file, &now, &said));
	CHECK(!whole.peers[0].has_preshared_key);
	CHECK_EQ(6, whole.peers[0].endpoint.address.bytes[3]);
	CHECK_EQ(1, whole.peers[0].allowed_ip_count);
	CHECK(whole.peers[0].allowed_ips != file.peers[0].allowed_ips);
	end();
}

TEST(reconcile_forgets_secrets)
{
	begin();
	set_preshared_key(add(&file, 1), 5);
	file.has_private_key = true;
	file.private_key.bytes[7] = 7;
	reconcile_forget_secrets(&file);
	CHECK(file.has_private_key && file.peers[0].has_preshared_key);
	CHECK_EQ(0, file.private_key.bytes[7]);
	CHECK_EQ(0, file.peers[0].preshared_key.bytes[1]);
	CHECK_EQ(1, file.peers[0].public_key.bytes[0]);
	end();
}

TEST(reconcile_complete_without_memory)
{
	bool has_failed = true;
	begin();
	struct ip_prefix prefix = {{IP_V4, {10}}, 8};
	for (uint8_t i = 1; i < 20; i++)
		CHECK(change_peer_add_allowed_ip(add(&file, i), &prefix, false));
	for (size_t n = 1; has_failed; n++) {
		change_wipe(&whole);
		short_memory_begin(n);
		bool ok = reconcile_complete(&whole, &file, &now, &said);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
	}
	end();
}
