/*
 * Every way a packet can end without being sent or delivered: one list gives the enum, the counter's name,
 * the KAME counter it feeds and the sentence people read. stage_drop() in batch.h is the only way to use it.
 */
#ifndef POSTERN_DATAPATHD_DROP_H
#define POSTERN_DATAPATHD_DROP_H

#include <stdint.h>

/* KAME's counters (stats-and-libipsec, part 1, section 3): enum suffix, stable name. */
#define KAME_COUNTER_LIST(X)                                                                                 \
	X(IN_SUCCESS, "in_success")                                                                          \
	X(IN_POLVIO, "in_polvio")                                                                            \
	X(IN_NOSA, "in_nosa")                                                                                \
	X(IN_INVAL, "in_inval")                                                                              \
	X(IN_NOMEM, "in_nomem")                                                                              \
	X(IN_BADSPI, "in_badspi")                                                                            \
	X(IN_AHREPLAY, "in_ahreplay")                                                                        \
	X(IN_ESPREPLAY, "in_espreplay")                                                                      \
	X(IN_AHAUTHSUCC, "in_ahauthsucc")                                                                    \
	X(IN_AHAUTHFAIL, "in_ahauthfail")                                                                    \
	X(IN_ESPAUTHSUCC, "in_espauthsucc")                                                                  \
	X(IN_ESPAUTHFAIL, "in_espauthfail")                                                                  \
	X(OUT_SUCCESS, "out_success")                                                                        \
	X(OUT_POLVIO, "out_polvio")                                                                          \
	X(OUT_NOSA, "out_nosa")                                                                              \
	X(OUT_INVAL, "out_inval")                                                                            \
	X(OUT_NOMEM, "out_nomem")                                                                            \
	X(OUT_NOROUTE, "out_noroute")

enum kame_counter {
#define X(id, name) KAME_##id,
	KAME_COUNTER_LIST(X)
#undef X
	    KAME_N,
	KAME_NONE = KAME_N, /* a drop that KAME did not count */
};

/* Enum suffix, name behind "drop.", KAME counter, text. */
#define DROP_LIST(X)                                                                                         \
	X(OUT_MALFORMED, "out_malformed", OUT_INVAL, "outbound packet without a valid IP header")            \
	X(OUT_NOPOLICY, "out_nopolicy", NONE, "outbound packet that no policy matches")                      \
	X(OUT_DISCARD, "out_discard", OUT_POLVIO, "outbound policy says discard")                            \
	X(OUT_NOSA, "out_nosa", OUT_NOSA, "a required SA is missing")                                        \
	X(OUT_SEQUENCE, "out_sequence", OUT_INVAL, "the SA has used up its sequence numbers")                \
	X(OUT_FRAGMENT, "out_fragment", OUT_INVAL,                                                           \
	    "fragment that could not be put together for transport mode")                                    \
	X(OUT_TOOBIG, "out_toobig", OUT_INVAL, "packet too long for IP once protected")                      \
	X(OUT_HEADER, "out_header", OUT_INVAL, "IP options or extension headers that cannot be protected")   \
	X(OUT_PATH, "out_path", NONE, "packet longer than the way allows; its sender was told")              \
	X(OUT_CRYPTO, "out_crypto", OUT_INVAL, "encryption or authentication failed")                        \
	X(OUT_NOROUTE, "out_noroute", OUT_NOROUTE, "no route to the outer destination")                      \
	X(OUT_NOBUFS, "out_nobufs", OUT_NOMEM, "the outgoing socket stayed full")                            \
	X(OUT_SEND, "out_send", OUT_INVAL, "the kernel refused to send the packet")                          \
	X(IN_MALFORMED, "in_malformed", IN_INVAL, "inbound packet without a valid outer header")             \
	X(IN_LENGTH, "in_length", IN_INVAL, "header or payload length does not fit the SA's algorithm")      \
	X(IN_NOSA, "in_nosa", IN_NOSA, "no SA for this destination, protocol and SPI")                       \
	X(IN_ENCAP, "in_encap", IN_INVAL, "ESP in UDP for an SA that is not, or the other way round")        \
	X(IN_KEEPALIVE, "in_keepalive", NONE, "NAT keepalive, meant to be dropped")                          \
	X(IN_IKE, "in_ike", NONE, "IKE message on port 4500, and no key daemon to take it")                  \
	X(IN_IKE_ROOM, "in_ike_room", NONE, "IKE message on port 4500, more than the key daemon takes")      \
	X(IN_SOURCE, "in_source", IN_INVAL, "outer source address is not the SA's")                          \
	X(IN_ESPREPLAY, "in_espreplay", IN_ESPREPLAY, "ESP sequence number old or repeated")                 \
	X(IN_AHREPLAY, "in_ahreplay", IN_AHREPLAY, "AH sequence number old or repeated")                     \
	X(IN_ESPAUTH, "in_espauth", IN_ESPAUTHFAIL, "ESP integrity check failed")                            \
	X(IN_AHAUTH, "in_ahauth", IN_AHAUTHFAIL, "AH integrity check failed")                                \
	X(IN_CRYPTO, "in_crypto", IN_INVAL, "decryption failed")                                             \
	X(IN_COMP, "in_comp", IN_INVAL, "compressed data is damaged or too long once expanded")              \
	X(IN_PADDING, "in_padding", IN_INVAL, "ESP padding is longer than what was decrypted")               \
	X(IN_NEXTHEADER, "in_nextheader", IN_INVAL, "next header does not fit the SA's mode")                \
	X(IN_DUMMY, "in_dummy", NONE, "dummy packet (next header 59), meant to be dropped")                  \
	X(IN_INNER, "in_inner", IN_INVAL, "protected packet is malformed inside")                            \
	X(IN_ECN, "in_ecn", IN_INVAL, "congestion mark on a packet that cannot carry it (RFC 6040)")         \
	X(IN_NESTED, "in_nested", IN_INVAL, "more nested headers than a policy can ask for")                 \
	X(IN_NOPOLICY, "in_nopolicy", IN_POLVIO, "tunnelled packet that no inbound policy matches")          \
	X(IN_DISCARD, "in_discard", IN_POLVIO, "inbound policy says discard")                                \
	X(IN_UNPROTECTED, "in_unprotected", IN_POLVIO,                                                       \
	    "packet lacks a protection its inbound policy requires")                                         \
	X(IN_DISABLED, "in_disabled", NONE, "IPsec is switched off")                                         \
	X(IN_DELIVER, "in_deliver", IN_NOMEM, "the TUN device did not take the packet")

enum drop_reason {
	DROP_NONE = 0,
#define X(id, name, kame, text) DROP_##id,
	DROP_LIST(X)
#undef X
	    DROP_N,
};

struct drop_info {
	const char *name; /* "in_padding" */
	const char *text;
	enum kame_counter kame;
};

/* NULL for DROP_NONE and what is out of range. */
const struct drop_info *drop_info(enum drop_reason r);

#endif
