// Package memory is a store that lives in the process: for tests, simulations, browsers' tabs and replicas that are
// meant to be forgotten.
//
// # Model
//
// The newest state is one immutable value: a persistent B-tree per table, all of them behind one pointer. A View takes
// that pointer and reads. An Update makes its own copy of the pointers, gives each table that it writes a copy-on-write
// twin, and on success publishes the whole with one store; on failure nobody ever saw it.
//
//	published ──► state 7 { meta ─► tree, run ─► tree, doc ─► tree, … }      Views hold this one
//	                                  ▲            ▲
//	Update      ──► state 8 { meta ───┘  run ─► twin that shares all nodes but those on the written paths }
//
// # Invariants
//
//	M1 A published state never changes, nor does any byte that it holds: Get and Scan hand out the stored values
//	   themselves, Put copies once.
//	M2 One Update runs at a time; who waits for it can be cancelled.
//	M3 A snapshot costs O(1), a transaction that writes n rows O(n log rows), whatever the size of the store.
//
// "Durable" means nothing here: the data dies with the last reference to the Store. The trees are those of
// github.com/tidwall/btree (copy-on-write as in Rodeh, "B-trees, Shadowing, and Clones", 2008); this package is its
// only door.
package memory
