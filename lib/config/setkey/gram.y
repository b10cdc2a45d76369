/*
 * One statement, pushed in token by token. The grammar only collects: meaning is judged once the terminator
 * was seen, so that a statement is reported whole and no name is looked up for a line with a typing error.
 * Nearly everything is WORD, because every keyword may also be the name of a host or a protocol; WANT says
 * what belongs at the present place, for messages.
 */
%code requires {
#include "config/setkey/build.h"
}

%code {
#define WANT(text) (b->title = NULL, b->want = (text))
#define WANT_AS(as, text) (b->title = (as), b->want = (text))

static const char want_ext[] = "an option, or the algorithm: -E, -A or -C";
static const char want_end[] = "`;`";
static const char want_key[] = "the key: a quoted string, or hexadecimal digits after 0x";
static const char want_policy[] = "-P and the policy";
static const char want_request[] = "a request such as esp/transport//require, or `;`";

static void sk_gram_error(struct sk_build *b, const char *text)
{
	sk_fault(b, &b->last, text, NULL);
}

static const char *want_behind(const struct sk_tok *alg, const struct sk_tok *key, const char *then)
{
	bool keyless = sk_tok_is(alg, "null") || sk_tok_is(alg, "simple");

	return key->lex || keyless ? then : want_key;
}

static bool adds(const struct sk_build *b)
{
	return b->verb == SETKEY_ADD || b->verb == SETKEY_UPDATE;
}
}

%define api.prefix {sk_gram_}
%define api.token.prefix {SK_T_}
%define api.pure full
%define api.push-pull push
%define api.value.type {struct sk_tok}
%define parse.error custom
%parse-param {struct sk_build *b}
%expect 0

%token ADD IDENTIFY PAIR FLUSH SPDADD SPDDELETE PLAIN
%token AIFLAGS OPT_MODE OPT_NUMBER OPT_FLAG OPT_CTX OPT_ENC OPT_AUTH OPT_COMP OPT_RAWCPI OPT_POLICY
%token WORD NUM HEX STRING PRIO PROTO NEVER

%%

/* No statement begins with -P: that is how the text of a policy alone comes in, see policy_text.c. */
input: command ';' { YYACCEPT; } | policy ';' { YYACCEPT; } ;

command
    : ADD pair spi exts algs
    | IDENTIFY pair spi exts
    | PAIR pair
    | FLUSH { WANT("a protocol, or `;`"); } flush_proto
    | SPDADD aiflags spd
    | SPDDELETE aiflags selector policy
    | PLAIN { WANT(want_end); }
    ;

flush_proto: %empty | WORD { b->proto = $1; WANT(want_end); } ;

aiflags
    : %empty { WANT("the source address"); }
    | aiflags AIFLAGS { sk_aiflags(b, &$2); }
    ;

pair: aiflags sa_src sa_dst proto ;
sa_src: host sa_port { b->src = b->cur; WANT("the destination address"); } ;
sa_dst: host sa_port { b->dst = b->cur; WANT("the protocol: esp, ah, ipcomp or esp-udp"); } ;
sa_port: %empty | lbracket port ']' ;

proto
    : WORD { sk_sa_proto(b, &$1, NULL); }
    | WORD WORD { sk_sa_proto(b, &$1, &$2); }
    ;

spi: spi_value { b->spi = $1; WANT(adds(b) ? want_ext : want_end); } ;
spi_value: NUM | HEX ;

exts: %empty | exts ext { WANT(adds(b) ? want_ext : want_end); } ;
ext
    : ext_mode WORD { sk_ext_mode(b, &$1, &$2); }
    | ext_number NUM { sk_ext_number(b, &$1, &$2); }
    | ext_flag WORD { sk_ext_flag(b, &$2); }
    | ctx
    ;
ext_mode: OPT_MODE { WANT_AS("Invalid ipsec mode", "transport, tunnel or any"); } ;
ext_number: OPT_NUMBER { WANT("a decimal number"); } ;
ext_flag: OPT_FLAG { WANT("zero-pad, random-pad, seq-pad, nocyclic-seq, fresh-key or esn"); } ;
ctx: ctx_opt NUM NUM STRING { sk_ctx(b, &$1); } ;
ctx_opt: OPT_CTX { WANT("two numbers (DOI, algorithm) and the label in quotes"); } ;

algs
    : enc alg_name key { sk_alg(b, &$1, &$2, &$3); WANT(want_behind(&$2, &$3, "-A or `;`")); } auth_opt
    | auth_alg
    | comp WORD { b->comp_opt = $1; b->comp = $2; WANT("-R or `;`"); } rawcpi
    ;
auth_opt: %empty | auth_alg ;
auth_alg: auth alg_name key { sk_alg(b, &$1, &$2, &$3); WANT(want_behind(&$2, &$3, want_end)); } ;
enc: OPT_ENC { WANT("the name of an encryption algorithm"); } ;
auth: OPT_AUTH { WANT("the name of an authentication algorithm"); } ;
comp: OPT_COMP { WANT("the name of a compression algorithm"); } ;
alg_name: WORD { WANT(want_key); } ;
key: %empty { $$ = (struct sk_tok){0}; } | STRING | HEX ;
rawcpi: %empty | OPT_RAWCPI { b->desc.flags |= SA_F_RAWCPI; WANT(want_end); } ;

spd
    : selector policy
    | WORD STRING { b->tag = $1; WANT(want_policy); } policy
    ;

selector: src_range dst_range upper misc sel_options ;
src_range: range { b->src = b->cur; WANT("the destination address"); } ;
dst_range: range { b->dst = b->cur; WANT("the upper protocol: a name, a number, or any"); } ;
range: host plen range_port ;
host: WORD { b->cur = (struct sk_range){.host = $1}; } ;
plen
    : %empty
    | slash NUM { b->cur.plen = $2; }
    ;
slash: '/' { WANT_AS("Invalid prefix length", "the prefix length as a number of bits"); } ;
range_port: %empty | lbracket port ']' ;
lbracket: '[' { WANT("a port number, the name of a service, or any"); } ;
port: port_value { b->cur.port = $1; WANT("`]`"); } ;
port_value: WORD | NUM ;

upper: upper_value { b->upper = $1; WANT(want_policy); } ;
upper_value: WORD | NUM ;
misc
    : %empty
    | WORD { b->misc1 = $1; }
    | NUM { b->misc1 = $1; }
    | NUM comma NUM { b->misc1 = $1; b->misc2 = $3; WANT(want_policy); }
    ;
comma: ',' { WANT_AS("invalid upper layer protocol spec", "the code"); } ;
sel_options: %empty | sel_options sel_option { WANT(want_policy); } ;
sel_option
    : ctx
    | ext_number NUM { sk_policy_number(b, &$1, &$2); }
    ;

policy: policy_opt dir prio rules ;
policy_opt: OPT_POLICY { WANT_AS("Invalid direction", "in, out or fwd"); } ;
dir: WORD { b->pol.dir = $1; WANT_AS("Invalid security policy", "the action: ipsec, none or discard"); } ;
prio
    : %empty
    | prio_word prio_value { WANT_AS("Invalid security policy", "the action: ipsec, none or discard"); }
    ;
prio_word: PRIO { b->pol.prio = $1; WANT("a number, or low, def or high"); } ;
prio_value
    : NUM { b->pol.prio_number = $1; }
    | '-' NUM { b->pol.prio_number = $2; b->pol.prio_minus = true; }
    | prio_base
    | prio_base prio_sign NUM { b->pol.prio_number = $3; }
    ;
prio_base: WORD { b->pol.prio_base = $1; } ;
prio_sign: '+' { WANT("a number"); } | '-' { b->pol.prio_minus = true; WANT("a number"); } ;
rules
    : %empty
    | action requests
    ;
action: WORD { b->pol.action = $1; WANT_AS("Invalid ipsec protocol", want_request); } ;
requests: %empty | requests request { sk_request_done(b); WANT_AS("Invalid ipsec protocol", want_request); } ;

request
    : req_proto { sk_request_short(b, &$1); }
    | req_proto req_slash { sk_request_short(b, &$1); }
    | req_head
    | req_head ends_slash
    | req_head ends_slash ends
    | req_head ends_slash level_slash level
    | req_head ends_slash ends level_slash level
    ;
req_proto: PROTO { b->pol.cur = (struct sk_request){.proto = $1}; WANT("`/` and the mode"); } ;
req_slash: '/' { WANT_AS("Invalid ipsec mode", "transport or tunnel"); } ;
req_head: req_proto req_slash WORD { b->pol.cur.mode = $3; WANT("`/`, another request, or `;`"); } ;
ends_slash: '/' { WANT_AS("Invalid address specification", "two addresses joined by `-`, or `/` and the level"); } ;
ends: end_src end_dash end_dst ;
end_src: end_addr { b->pol.cur.src = b->cur.host; b->pol.cur.src_port = b->cur.port; } ;
end_dst: end_addr
    { b->pol.cur.dst = b->cur.host; b->pol.cur.dst_port = b->cur.port; WANT("`/` and the level, another request, or `;`"); }
    ;
end_dash: '-' { WANT_AS("Invalid address specification", "the second address"); } ;
end_addr: host end_port ;
end_port: %empty | end_bracket end_number ']' ;
end_number: NUM { b->cur.port = $1; WANT_AS("Invalid address specification", "`]`"); } ;
end_bracket: '[' { WANT_AS("Invalid address specification", "the port of this endpoint as a number"); } ;
level_slash: '/' { WANT_AS("Invalid ipsec level", "default, use, require, unique or unique:NUMBER"); } ;
level: %empty | WORD { b->pol.cur.level = $1; WANT_AS("Invalid ipsec protocol", want_request); } ;

%%

static int yyreport_syntax_error(const yypcontext_t *at, struct sk_build *b)
{
	(void)at;
	sk_fault_syntax(b);
	return 0;
}
