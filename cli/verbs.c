/*
 * The one table of verbs. A new verb is a row here and a file.
 */
#include "cli/verbs.h"

const struct cli_verb cli_verbs[] = {
    {"setkey", "-f FILE | -c | -D[P] | -F[P] ...", "load, show and change policies and manual keys",
        "The language and the options are setkey's: postern-ipsec.conf(5) and setkey(8). A file is read to "
        "its end "
        "first. Only if all of\n"
        "it is right is it applied, SAs before policies; if anything is refused then, the state before comes "
        "back.\n"
        "Under the names setkey and ipseckey the same program works statement by statement, as the old one "
        "did.",
        verb_setkey, true /* it names the verbs that have it */},
    {"racoon", "[-C] [-f FILE] [--passphrase-fd N]",
        "load peers and keys for automatic keying from a racoon.conf",
        "-f FILE  the configuration; without it /etc/inet/racoon.conf, /etc/racoon/racoon.conf and\n"
        "         /etc/racoon.conf are tried\n"
        "-C       check it, and change nothing: needs no suite and no root\n"
        "--passphrase-fd N  read passphrases of private keys from descriptor N, a line for each file, and do "
        "not "
        "ask\n"
        "It is read to its end first. Only if all of it is right, and every service takes it, does it hold.\n"
        "Under the name racoon the same program stays until it is ended, and takes the configuration back "
        "then.",
        verb_racoon, false},
    {"check", "[-t postern|racoon|setkey] [FILE]", "look for faults in a configuration, and change nothing",
        "All faults are told, each with its place, and with what was probably meant. Needs no suite and no "
        "root.\n"
        "FILE  the configuration; without it /etc/postern/postern.conf\n"
        "-t    its language: postern.conf(5), racoon.conf(5) or setkey's; without it the first words tell",
        verb_check, false},
    {"convert", "[-o FILE] FILE ...", "make a postern.conf of a racoon.conf and files of setkey's",
        "Of at most one racoon.conf, and the policies of any number of files of setkey's. What is not "
        "carried "
        "as it was is\n"
        "told with its place, as approximated or dropped. Needs no suite and no root.\n"
        "-o FILE  where to; it must not be there yet. Without it, standard output\n"
        "Exits with 3 if something was not carried.",
        verb_convert, false},
    {"load", "[-n] [-q] [--boot] [-f FILE | --none] [--passphrase-fd N]",
        "load connections and policies from a postern.conf: what is different, and nothing else",
        "What differs from what is loaded is shown and put in force, with no question; what is the same goes "
        "on "
        "undisturbed.\n"
        "-f FILE  the configuration; without it /etc/postern/postern.conf\n"
        "--none   as if there were nothing in it: takes out what an earlier load has made\n"
        "-n       show what differs, and change nothing\n"
        "-q       show only how much differs\n"
        "--boot   as it is loaded at the start of the suite: a FILE that is not there is no fault, and a "
        "racoon.conf that\n"
        "         was loaded meanwhile stays\n"
        "--passphrase-fd N  read passphrases of private keys from descriptor N, a line for each file, and do "
        "not "
        "ask\n"
        "The policies of an earlier load that are no more in FILE are taken out; those of setkey are not "
        "touched. "
        "There is one\n"
        "configuration for key exchange: connections take the place of a racoon.conf, and the other way "
        "round.\n"
        "Exits with 4, and changes nothing, if all that is wrong is a name without an address or a peer "
        "without a way to it\n"
        "for now.",
        verb_load, true},
    {"reload", "[-q]", "load the running configuration again, from the file it came from",
        "Files that it names, keys among them, are read again too. A faulty file leaves all as it was. Where "
        "nothing is\n"
        "loaded, /etc/postern/postern.conf is, if it is there.\n"
        "-q  show only how much differs",
        verb_reload, false},
    {"show", "[PEER]", "show what is negotiated: SAs of key exchange, and what was made under them",
        "PEER is an address, the name of a remote in the configuration, or the name of a host.", verb_show,
        true},
    {"up", "[-1] [-t SECONDS] [-l ADDRESS] PEER", "negotiate with a peer now, and say what became of it",
        "The SA of key exchange, then the SAs of every policy that is with this peer. What is up already "
        "stays.\n"
        "-1          the SA of key exchange alone\n"
        "-t SECONDS  how long all of it may take: 30 if left out; 0: begin, and do not wait\n"
        "-l ADDRESS  from this address of ours; else as policies and routes say",
        verb_up, false},
    {"down", "PEER", "end everything that was negotiated with a peer, and tell it",
        "A packet or the peer may begin anew at once: policies and the configuration stay.", verb_down,
        false},
    {"rekey", "[--ike | --reauth] PEER", "negotiate new keys with a peer now, in place of those in use",
        "For every pair of IPsec SAs with this peer. What is in use stays until the new one is there, so "
        "that no "
        "packet is lost.\n"
        "--ike     for the SA of key exchange too; in IKEv1 only if this side began it\n"
        "--reauth  with another proof of who the two are, and everything under it\n"
        "It does not wait: `show` has what is there, and the log what became of it.",
        verb_rekey, false},
    {"delete", "isakmp COOKIE:COOKIE | ipsec esp|ah|ipcomp SPI [PEER]",
        "end one SA of key exchange, or one pair of SAs",
        "Cookies and SPIs are those of `show`; an SPI of either direction ends its pair. The peer is told.\n"
        "Keys that were set by hand are setkey's to delete.",
        verb_delete, false},
    {"pki", "ca | issue | request | sign | p12 | revoke | crl | list | key | public | show ...",
        "make a certification authority, issue certificates, look at them",
        "ca --name NAME          a new authority, in DIR\n"
        "issue NAMES             a key and a certificate, in a folder for `path certificate`\n"
        "request NAMES           a key that stays here, and a request for a certificate\n"
        "sign FILE NAMES         the certificate for a request; only NAMES of this command line are granted\n"
        "p12 CERTIFICATE KEY     both and the authority in one file, for phones and Windows\n"
        "revoke FILE|SERIAL|NAME takes a certificate back, and makes the list that says so\n"
        "crl                     the same list again, with new dates\n"
        "list                    what was issued\n"
        "key FILE                a key alone, for `key` without a certificate\n"
        "public FILE             its public half, for the peer's `remote-key`\n"
        "show FILE ...           what is in a file, and whether IKE can use it; exits with 1 if not\n"
        "NAMES: --host gw.example.org, --address 192.0.2.1, --user joe@example.org: what the bearer is "
        "called in "
        "IKE.\n"
        "-d DIR                  the authority's folder: /etc/postern/ca if left out\n"
        "-o FOLDER               where the files go: the first of NAMES, below the current folder, if left "
        "out\n"
        "--name \"O=Org, CN=x\"   the subject; the CN is the first of NAMES if left out\n"
        "--type rsa|ecdsa|ed25519|ed448, --bits N\n"
        "                        the key: rsa of 3072 bits if left out, because racoon.conf and IKE version "
        "1\n"
        "                        can use no other kind; ecdsa has 256, 384 or 521 bits\n"
        "--days N                how long it holds: 3650 for an authority, 730 for others, 180 for a list\n"
        "--encrypt               under a passphrase; --passphrase-fd N reads passphrases from descriptor N\n"
        "--legacy                p12 for Windows before 10; --reason WORD; --force overwrites files",
        verb_pki, true},
    {"sad", "[-a] [-p] [--keys]", "show the security associations",
        "-a      also SAs whose life is over\n"
        "-p      with port numbers\n"
        "--keys  with --json: put the key octets in (root only)\n"
        "Keys are shown to root only.",
        verb_sad, true},
    {"spd", "[-p]", "show the policies, in the order they are tried", "-p      with port numbers", verb_spd,
        true},
    {"stats", "[-4] [-6] [-ss] [-d] [ipsec|ipsec6]", "show the packet counters",
        "-4, ipsec   packets over IPv4 (this is the default)\n"
        "-6, ipsec6  packets over IPv6\n"
        "-ss         leave out counters that are zero\n"
        "-d          also every reason for which packets were dropped",
        verb_stats, true},
    {"netstat", "-nsp ipsec", "show the packet counters, asked in netstat's words",
        "-s          statistics; -ss leaves out counters that are zero\n"
        "-p PROTO    ipsec or ipsec6; without it both\n"
        "-n          taken and ignored: these counters have no names to look up\n"
        "Options may be written together and in any order.",
        verb_netstat, true},
    {"status", "", "show what runs, since when, and whether all parts agree",
        "Exits with 1 if a service is down or policies are not yet enforced everywhere.", verb_status, true},
    {"monitor", "[-n COUNT]", "show events as they happen", "-n COUNT  end after COUNT events", verb_monitor,
        true},
    {"log", "[LEVEL [SERVICE ...]]", "show or change how much the services log",
        "LEVEL is error, warning, notice, info or debug; SERVICE is policyd, datapathd, keyd, certd, "
        "certd-verify or hooks, all if left out.\n"
        "The change lasts until the service restarts; --log-level of postern-supervisor sets it for good.",
        verb_log, true},
    {"enable", "", "switch IPsec on", "The same as `set ipsec_enable 1`. Kept over restarts.", verb_enable,
        false},
    {"disable", "", "switch IPsec off: packets pass as if there were no policies",
        "The same as `set ipsec_enable 0`. Kept over restarts. SAs and policies stay loaded.", verb_disable,
        false},
    {"set", "NAME VALUE", "change a setting while the suite runs",
        "ipsec_enable         0: packets pass as if there were no policies; 1: policies are enforced\n"
        "key_preferred_oldsa  0: of several SAs that fit the newest is used; 1: the oldest\n"
        "dfbit                don't-fragment bit of outer headers: 0 clear, 1 set, 2 as the inner one\n"
        "ecn                  congestion marks of tunnels: 0 kept out, 1 handed on (RFC 6040)\n"
        "dscp                 traffic class of outer headers: 0 zero, 1 as the inner one\n"
        "dummy                seconds of quiet before a dummy packet hides it: 1 to 255; 0: none are sent\n"
        "keepalive            seconds of quiet before a NAT keepalive of ESP in UDP: 1 to 255; 0: none\n"
        "esp_trans_deflev, esp_net_deflev, ah_trans_deflev, ah_net_deflev\n"
        "                     what a policy's level `default` means for this protocol in transport mode or\n"
        "                     in tunnels (net): 1 use, 2 require. Kept over restarts.",
        verb_set, false},
    {"help", "[VERB]", "list the verbs, or describe one", NULL, verb_help, false},
    {"version", "", "show which release this is", NULL, verb_version, true},
    {NULL, NULL, NULL, NULL, NULL, false},
};
