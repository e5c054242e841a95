#include "unit/view_answer.h"

const char view_answer[] =
	"private_key=4848484848484848484848484848484848484848484848484848484848484840\n"
	"listen_port=51820\n"
	"another=1\n"
	"fwmark=51820\n" PEER("01010101", "0", NO_TRAFFIC) PEER("02020202", "1699999935",
		"endpoint=192.0.2.1:51820\ntx_bytes=1152\nrx_bytes=1023\n"
		"persistent_keepalive_interval=25\nallowed_ip=10.0.0.2/32\n"
		"allowed_ip=fd00::2/128\n") "preshared_key=" TWO "\n" PEER("03030303", "1699996400",
		"endpoint=[2001:db8::1]:51820\ntx_bytes=1048576\nrx_bytes=1073741824\n"
		"persistent_keepalive_interval=65535\nfuture_key=whatever=3\n") PEER("04040404",
		"1668284000",
		"endpoint=[fe80::1%7]:5\ntx_bytes=1099511627776\n"
		"rx_bytes=18446744073709551615\npersistent_keepalive_interval=1\n"
		"allowed_ip=0.0.0.0/0\n")
		PEER("05050505", "1700000500", "tx_bytes=0\nrx_bytes=1048575\n") "errno=0\n\n";
