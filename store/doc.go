// Package store is the contract between a replica and the place where its data sleeps.
//
// # Model
//
// A store is a handful of named, ordered tables of rows; a row is a key and a value, both bytes. All that kdelta knows
// about versions, clocks and merging stays above this line: an adapter moves rows, it understands none of them.
//
//	            Meta         name                → small named facts (space, keys)
//	            Authors      index               → one line of one author's versions
//	            Seals        author index, seq   → a signature that was kept
//	history  ┤  Runs         LV                  → consecutive versions as one row; where the database stands
//	            Spans        LV                  → the run-length graph, a row per span
//	            Checkpoints  key, 0, ordinal     → the state of a key as it was
//	state    ┤  Docs         NAMESPACE/KEY       → the current state of a key and its visible value
//	            Conflicts    key, 0, identity    → a concurrent write that is not shown
//	            Erasures     what and by whom    → contents that were destroyed, and what proves it
//	            Sequences    key, 0, part        → what a text shows, and its past in parts
//	sync     ┤  Pending      ordinal             → versions that came before what they need
//	            Peers        author              → what another replica is known to hold
//
// An LV (local version number) counts dots in the order in which this database applied them. It never leaves the
// database, only grows, and parents always have a smaller one than their children.
//
// Tables with integer keys (see [Table.Integer]) use 8 bytes, big endian ([IntKey]), so that byte order is number
// order; their new rows come at the end, which is what a B-tree likes best.
//
// An adapter may lay the values of Authors, Docs, Conflicts and Peers out in columns, so that people can query them:
// their row formats are types of this package ([Author], [Doc], [Conflict], [Peer]). What Get returns must be
// byte-equal to what Put was given.
//
// # Invariants
//
//	S1 Update is all or nothing, on every path out: error, panic, crash at any instant.
//	S2 Updates are serialised, over all processes that have the same database open.
//	S3 A transaction sees one snapshot: for View the state at its start, for Update that and its own writes.
//	S4 When Update has returned nil, the rows survive the death of the process at once, and a power cut too unless
//	   the adapter was opened with weaker durability, which its documentation names.
//	S5 A writer never waits for readers, nor a reader for a writer.
//
// The proof kit is [github.com/kdelta/kdelta/store/storetest]; every adapter runs it.
package store
