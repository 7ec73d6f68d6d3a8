// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of an exported capture: what is in them is said where they are made. Places have their
 * natural keys, so that most questions need no join.
 */
#include "sqlite_schema.h"

/* clang-format off */
const char sqlite_schema[] =
	/* Who made it, when and what of. The file is complete when incomplete is NULL. */
	"CREATE TABLE capture ("
	" tool TEXT, version TEXT, kernel TEXT, arch TEXT,"
	" page_size INTEGER," /* bytes, of all that is counted in pages; NULL: not known */
	" start TEXT," /* RFC 3339 */
	" start_ns INTEGER," /* CLOCK_MONOTONIC, as all times of events */
	" realtime_offset_ns INTEGER," /* to be added to them for CLOCK_REALTIME */
	" duration_ns INTEGER, min_latency_ns INTEGER,"
	" sample INTEGER," /* of so many guest faults one was timed; 0: each */
	" command TEXT, command_ended INTEGER, exit_status INTEGER, signal TEXT,"
	" no_inventory TEXT, inventory_lacks TEXT,"
	" switched_off INTEGER," /* how often kernel.ftrace_enabled became 0 */
	" incomplete TEXT);"
	"CREATE TABLE hook ("
	" id INTEGER PRIMARY KEY, event TEXT UNIQUE NOT NULL, shown INTEGER, wanted INTEGER,"
	" attached INTEGER, since TEXT, functions TEXT, reason TEXT,"
	" run_count INTEGER, run_time_ns INTEGER, recursion_misses INTEGER);"
	"CREATE TABLE loss ("
	" hook INTEGER NOT NULL REFERENCES hook, kind TEXT NOT NULL, count INTEGER,"
	" PRIMARY KEY (hook, kind)) WITHOUT ROWID;"
	/* Of the records, which events are counted but not in the table event. */
	"CREATE TABLE dropped ("
	" hook INTEGER NOT NULL REFERENCES hook, cpu INTEGER NOT NULL, count INTEGER,"
	" PRIMARY KEY (hook, cpu)) WITHOUT ROWID;"
	"CREATE TABLE vm ("
	" id INTEGER PRIMARY KEY, pid INTEGER, comm TEXT, type INTEGER, type_name TEXT,"
	" ended_ns INTEGER);"
	"CREATE TABLE gmem ("
	" ino INTEGER PRIMARY KEY, vm INTEGER REFERENCES vm, size_bytes INTEGER, flags INTEGER,"
	" released_ns INTEGER);"
	"CREATE TABLE slot ("
	" vm INTEGER NOT NULL REFERENCES vm, as_id INTEGER NOT NULL, id INTEGER NOT NULL,"
	" base_gfn INTEGER, pages INTEGER, flags INTEGER,"
	" gmem_ino INTEGER REFERENCES gmem, gmem_pgoff INTEGER,"
	" PRIMARY KEY (vm, as_id, id)) WITHOUT ROWID;"
	"CREATE TABLE thread (tid INTEGER PRIMARY KEY, pid INTEGER, comm TEXT);"
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY, hook INTEGER NOT NULL REFERENCES hook,"
	" end_ns INTEGER, latency_ns INTEGER,"
	" vm INTEGER REFERENCES vm, as_id INTEGER, slot INTEGER,"
	" gmem_ino INTEGER REFERENCES gmem, gfn INTEGER, gmem_pgoff INTEGER, pages INTEGER,"
	" error TEXT, details TEXT, cpu INTEGER, tid INTEGER REFERENCES thread,"
	" FOREIGN KEY (vm, as_id, slot) REFERENCES slot);"
	"CREATE TABLE snapshot (id INTEGER PRIMARY KEY, duration_ns INTEGER);"
	/* One event at one place by one snapshot; vm and past NULL: the host. */
	"CREATE TABLE count ("
	" id INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL REFERENCES snapshot,"
	" hook INTEGER NOT NULL REFERENCES hook,"
	" vm INTEGER REFERENCES vm, as_id INTEGER, slot INTEGER,"
	" gmem_ino INTEGER REFERENCES gmem,"
	" count INTEGER, pages INTEGER, sum_ns INTEGER, min_ns INTEGER, max_ns INTEGER,"
	" past TEXT," /* the name of VMs that have ended and been given back */
	" untimed INTEGER," /* of count: sum_ns, min_ns, max_ns and histogram are of the others */
	" FOREIGN KEY (vm, as_id, slot) REFERENCES slot);"
	"CREATE TABLE histogram ("
	" count_id INTEGER NOT NULL REFERENCES count, low_ns INTEGER NOT NULL,"
	" high_ns INTEGER," /* the first above; NULL: no end */
	" count INTEGER, PRIMARY KEY (count_id, low_ns)) WITHOUT ROWID;"
	"CREATE TABLE error ("
	" count_id INTEGER NOT NULL REFERENCES count, error TEXT NOT NULL, count INTEGER,"
	" PRIMARY KEY (count_id, error)) WITHOUT ROWID;"
	"CREATE TABLE detail ("
	" count_id INTEGER NOT NULL REFERENCES count, detail TEXT NOT NULL, count INTEGER,"
	" PRIMARY KEY (count_id, detail)) WITHOUT ROWID;"
	/* What the page cache had of a slot, or of all of a guest_memfd. */
	"CREATE TABLE memory ("
	" snapshot INTEGER NOT NULL REFERENCES snapshot, vm INTEGER REFERENCES vm,"
	" as_id INTEGER, slot INTEGER, gmem_ino INTEGER REFERENCES gmem,"
	" resident_pages INTEGER, private_pages INTEGER,"
	" FOREIGN KEY (vm, as_id, slot) REFERENCES slot);"
	/* How many of these there were. */
	"CREATE TABLE past ("
	" snapshot INTEGER NOT NULL REFERENCES snapshot, comm TEXT NOT NULL,"
	" vms INTEGER, slots INTEGER, gmems INTEGER,"
	" PRIMARY KEY (snapshot, comm)) WITHOUT ROWID;"
	/* Events by their names, and when they began and ended on CLOCK_REALTIME, in seconds. */
	"CREATE VIEW events AS SELECT hook.event, event.*, vm.comm AS vm_comm,"
	" thread.comm AS thread_comm,"
	" (end_ns + realtime_offset_ns) / 1e9 AS end_time"
	" FROM event JOIN hook ON hook.id = event.hook CROSS JOIN capture"
	" LEFT JOIN vm ON vm.id = event.vm LEFT JOIN thread USING (tid);"
	/* The counts of the last snapshot, as a report has them. */
	"CREATE VIEW totals AS SELECT hook.event, count.*, 1.0 * sum_ns / (count - untimed) AS mean_ns"
	" FROM count JOIN hook ON hook.id = count.hook"
	" WHERE snapshot = (SELECT max(id) FROM snapshot);";

const char sqlite_indexes[] =
	"CREATE INDEX event_by_time ON event (end_ns);"
	"CREATE INDEX event_by_latency ON event (hook, latency_ns);"
	"CREATE INDEX event_by_slot ON event (vm, as_id, slot);"
	"CREATE INDEX count_by_hook ON count (hook, snapshot);";

#define EVENT "(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define FOUR_EVENTS EVENT "," EVENT "," EVENT "," EVENT
#define EIGHT_EVENTS FOUR_EVENTS "," FOUR_EVENTS

const char *const sqlite_statements[NR_STATEMENTS] = {
	[INSERT_CAPTURE] = "INSERT INTO capture VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[INSERT_HOOK] = "INSERT INTO hook VALUES (?,?,?,?,?,?,?,?,?,?,?)",
	[INSERT_LOSS] = "INSERT INTO loss VALUES (?,?,?)",
	[INSERT_DROPPED] = "INSERT INTO dropped VALUES (?,?,?)",
	/* Both the snapshots and the events tell of places; what is known later is known better. */
	[INSERT_VM] = "INSERT INTO vm VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		" comm = excluded.comm, ended_ns = ifnull(excluded.ended_ns, ended_ns)",
	[INSERT_GMEM] = "INSERT INTO gmem VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		" vm = ifnull(excluded.vm, vm), size_bytes = ifnull(excluded.size_bytes, size_bytes),"
		" flags = ifnull(excluded.flags, flags),"
		" released_ns = ifnull(excluded.released_ns, released_ns)",
	[INSERT_SLOT] = "INSERT INTO slot VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		" base_gfn = excluded.base_gfn, pages = excluded.pages, flags = excluded.flags,"
		" gmem_ino = ifnull(excluded.gmem_ino, gmem_ino),"
		" gmem_pgoff = ifnull(excluded.gmem_pgoff, gmem_pgoff)",
	[INSERT_THREAD] = "INSERT INTO thread VALUES (?,?,?)",
	[INSERT_EVENT] = "INSERT INTO event VALUES " EVENT,
	[INSERT_EVENTS] = "INSERT INTO event VALUES " EIGHT_EVENTS "," EIGHT_EVENTS "," EIGHT_EVENTS
		"," EIGHT_EVENTS,
	[INSERT_SNAPSHOT] = "INSERT INTO snapshot VALUES (?,?)",
	[INSERT_COUNT] = "INSERT INTO count VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[INSERT_HISTOGRAM] = "INSERT INTO histogram VALUES (?,?,?,?)",
	[INSERT_ERROR] = "INSERT INTO error VALUES (?,?,?)",
	[INSERT_DETAIL] = "INSERT INTO detail VALUES (?,?,?)",
	[INSERT_MEMORY] = "INSERT INTO memory VALUES (?,?,?,?,?,?,?)",
	[INSERT_PAST] = "INSERT INTO past VALUES (?,?,?,?,?)",
};
/* clang-format on */
