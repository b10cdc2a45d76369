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
};

#endif
