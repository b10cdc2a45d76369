/*
 * Record types of every edge. Numbers are wire format: never reuse one. Replies follow their request.
 */
#ifndef POSTERN_IPC_TYPES_H
#define POSTERN_IPC_TYPES_H

enum ipc_type {
	/* every edge */
	IPC_HELLO = 1,
	IPC_ERROR = 2,
	IPC_OK = 3,

	/* every admin socket */
	IPC_STATUS = 32, /* no body -> IPC_STATUS_REPLY */
	IPC_STATUS_REPLY,
	IPC_STATS, /* no body -> IPC_STATS_REPLY */
	IPC_STATS_REPLY,
	IPC_LOG_SET, /* LogSet -> IPC_OK */
	IPC_MONITOR, /* no body -> IPC_OK, then IPC_EVENT until the connection ends */
	IPC_EVENT,

	/* policyd.admin */
	IPC_SPD_PUT = 64, /* SpdPut -> IPC_SPD_DONE */
	IPC_SPD_DELETE,   /* SpdDelete -> IPC_SPD_DONE */
	IPC_SPD_FLUSH,    /* SpdFlush -> IPC_SPD_DONE */
	IPC_SPD_DONE,
	IPC_SPD_BARRIER, /* SpdBarrier -> IPC_SPD_BARRIER_DONE */
	IPC_SPD_BARRIER_DONE,
	IPC_SPD_DUMP, /* SpdDump -> rows of IPC_SPD_DUMP_ROW, the last with IPC_F_END */
	IPC_SPD_DUMP_ROW,
	IPC_ENABLE_SET, /* EnableSet -> IPC_OK */
	IPC_ENABLE_GET, /* no body -> IPC_ENABLE_REPLY */
	IPC_ENABLE_REPLY,
	/* both admin sockets that hold state */
	IPC_TXN_BEGIN = 80, /* -> IPC_OK */
	IPC_TXN_COMMIT,     /* -> IPC_OK, or IPC_ERROR and nothing changed */
	IPC_TXN_ABORT,      /* -> IPC_OK */
	IPC_TXN_PREPARE, /* policyd: commits follow, here and elsewhere -> IPC_OK: it is alive and stays so */
	IPC_SETTING_SET, /* SettingSet -> IPC_OK */

	/* datapathd.admin */
	IPC_SA_ADD = 96, /* SaAdd -> IPC_SA_DONE */
	IPC_SA_GET,      /* SaGet -> IPC_SA_ROW */
	IPC_SA_DELETE,   /* SaDelete -> IPC_SA_DONE */
	IPC_SA_FLUSH,    /* SaFlush -> IPC_SA_DONE */
	IPC_SA_DONE,
	IPC_SA_DUMP, /* SaDump -> rows of IPC_SA_ROW, the last with IPC_F_END */
	IPC_SA_ROW,
	IPC_SA_GETSPI, /* SaGetspi -> IPC_SA_ROW */

	/* datapathd <- policyd */
	IPC_SNAPSHOT_BEGIN = 128, /* SnapshotBegin; no answer */
	IPC_SNAPSHOT_ROW,         /* SnapshotRow, numbered from 0; no answer */
	IPC_SNAPSHOT_COMMIT,      /* SnapshotCommit -> IPC_SNAPSHOT_ACK or IPC_ERROR */
	IPC_SNAPSHOT_ACK,

	/* policyd <- datapathd */
	IPC_ACQUIRE =
	    160, /* Acquire -> IPC_OK (filed), IPC_ERROR (refused), later IPC_ACQUIRE_EXPIRED as event */
	IPC_ACQUIRE_EXPIRED,
	IPC_SPD_USED, /* SpdUsed; no answer */

	/* datapathd <- policyd: what keyd may make */
	IPC_GRANT_PUT = 192, /* Grant -> IPC_OK */
	IPC_GRANT_GONE,      /* GrantGone; no answer */

	/* keyd, certd, certd-verify, policyd and hooks, admin: a configuration for key exchange */
	IPC_IKE_LOAD_BEGIN = 208, /* IkeLoadBegin -> IPC_OK */
	IPC_IKE_LOAD_ROW,         /* IkeLoadRow, numbered from 0; no answer */
	IPC_IKE_LOAD_PREPARE,     /* -> IPC_OK: complete and acceptable; IPC_ERROR says why not */
	IPC_IKE_LOAD_COMMIT,      /* IkeLoadCommit -> IPC_OK: in force */

	/* certd <- keyd; 224 to 226, 228 to 231 and 240 were used once */
	IPC_TICKET = 227,    /* answer to IPC_IKE_VERIFY with a pre-shared key, and to IPC_IKE_JUDGE */
	IPC_IKE_BEGIN = 242, /* IkeBegin -> IPC_IKE_BEGUN */
	IPC_IKE_BEGUN,
	IPC_IKE1_KEYS, /* Ike1Keys -> IPC_IKE1_KEYS_REPLY */
	IPC_IKE1_KEYS_REPLY,
	IPC_IKE_PROVE, /* IkeProve -> IPC_IKE_PROOF */
	IPC_IKE_PROOF,
	IPC_IKE_VERIFY, /* IkeVerify -> IPC_TICKET, or with signatures IPC_STATEMENT */
	IPC_STATEMENT,
	IPC_IKE2_TELL,         /* Ike2Tell -> IPC_OK */
	IPC_XAUTH_CHECK = 232, /* XauthCheck -> IPC_XAUTH_CHECK_REPLY */
	IPC_XAUTH_CHECK_REPLY,
	IPC_XAUTH_PASSWORD, /* XauthPassword -> IPC_XAUTH_PASSWORD_REPLY */
	IPC_XAUTH_PASSWORD_REPLY,
	IPC_IKE1_SWITCH, /* Ike1Switch -> IPC_IKE_BEGUN */

	/* certd-verify <- keyd */
	IPC_IKE_JUDGE = 241, /* IkeJudge -> IPC_TICKET */

	/* policyd <- keyd */
	IPC_ACQUIRE_SUBSCRIBE = 256, /* AcquireSubscribe -> IPC_OK, then IPC_ACQUIRE_EVENT */
	IPC_ACQUIRE_EVENT,
	IPC_ACQUIRE_DONE, /* AcquireDone; no answer */
	IPC_POLICY_MATCH, /* PolicyMatch -> IPC_POLICY_MATCH_REPLY */
	IPC_POLICY_MATCH_REPLY,
	IPC_GRANT_ASK, /* GrantAsk -> IPC_GRANT_REPLY */
	IPC_GRANT_REPLY,
	IPC_GRANT_DROP,  /* GrantDrop; no answer */
	IPC_POLICY_MAKE, /* PolicyMake -> IPC_POLICY_MATCH_REPLY */
	IPC_POLICY_DROP, /* PolicyDrop; no answer */

	/* datapathd <- keyd */
	IPC_SPI_RESERVE = 288, /* SpiReserve -> IPC_SPI_REPLY */
	IPC_SPI_REPLY,
	IPC_SPI_RELEASE, /* SpiRelease; no answer */
	IPC_SA_INSTALL,  /* SaInstall -> IPC_SA_MADE */
	IPC_SA_MADE,
	IPC_SA_REMOVE,    /* SaRemove -> IPC_OK */
	IPC_SA_EXPIRED,   /* SaExpired, event */
	IPC_SPI_UNKNOWN,  /* SpiUnknown, event */
	IPC_IKE_DATAGRAM, /* IkeDatagram: event when it came, record without an answer when it goes */
	IPC_PEER_MOVED,   /* PeerMoved: the same */
	IPC_SA_ASK,       /* SaAsk -> IPC_SA_ASKED */
	IPC_SA_ASKED,

	/* certd, certd-verify, admin: files that ipsecctl has opened come beside the record */
	IPC_CREDENTIAL_PUT = 320,  /* CredentialPut and a descriptor -> IPC_OK or IPC_CREDENTIAL_LOCKED */
	IPC_CREDENTIAL_LOCKED,     /* the key is enciphered: its passphrase is wanted before prepare */
	IPC_CREDENTIAL_PASSPHRASE, /* CredentialPassphrase -> IPC_OK; EACCES: it is the wrong one */

	/* keyd, admin: SAs of key exchange */
	IPC_IKE_DUMP = 336, /* no body -> rows of IPC_IKE_ROW, the last with IPC_F_END */
	IPC_IKE_ROW,
	IPC_IKE_FIND, /* IkeFind -> IPC_IKE_FOUND */
	IPC_IKE_FOUND,
	IPC_IKE_UP,  /* IkeUp -> IPC_IKE_ROW, or IPC_ERROR: why not */
	IPC_IKE_END, /* IkeEnd -> IPC_IKE_ENDED */
	IPC_IKE_ENDED,
	IPC_IKE_HOLD, /* IkeLoadCommit -> IPC_OK: this configuration ends with the connection; ESTALE: another
	                 holds */
	IPC_IKE_RENEW, /* IkeEnd -> IPC_IKE_ENDED: that is what is being renewed */

	/* hooks, admin: a script of the configuration that is being loaded */
	IPC_HOOK_PUT = 352, /* HookPut -> IPC_OK, or IPC_ERROR: root should not execute that */

	/* hooks <- keyd */
	IPC_HOOK_RUN = 368, /* HookRun; no answer */
};

#endif
