// Package replicatest proves the engine: it lets small worlds of replicas happen, in which everything goes wrong that can,
// and compares what the replicas show with what the definitions say. Whoever changes the engine, or writes a store,
// a strategy or a program that carries frames, can run worlds of their own.
//
// # The model
//
// A WORLD is everything that follows from one seed. It runs in one goroutine, on one clock that nobody waits for, over one
// heap of events:
//
//	steps ──▶ writes of every kind, syncs, partitions, clock jumps, crashes, copies, restored backups, invites
//	            │
//	 ┌──────────▼──────────┐   frames, which the network    ┌─────────────────────┐
//	 │ replica.Replica     │   drops, repeats, reorders,    │ replica.Replica     │
//	 │ on a failing store, │◀─ delays, truncates, flips ───▶│ …                   │ ◀── a scripted peer
//	 │ a wall clock, keys  │                                └─────────────────────┘     that follows no rules
//	 └──────────┬──────────┘
//	            ▼ log, rows, conflicts, status, the past
//	 Model: the set of versions, and what it means by the definitions
//
// The replicas are the real ones, with the real codec and session. A MODEL knows versions as a log shows them and nothing
// of how the engine folds them: what a key shows it computes anew, each time, from which op covers which (package crdt
// has the definitions). After the last step the world heals: nothing fails any more, and all must come to hold the
// same and show the same.
//
// A link does with frames what the links of a program do: it delays them, and loses, repeats, reorders and changes some. What wraps
// a program's links numbers and seals the frames, so such a link ends at the first that is not what it has to be, and the other end
// of one that died still hears what was under way. Some are RAW: there the session goes on whatever happened. No version may be
// harmed by that, but an ack counts packs, and may so be taken for one of a pack that was lost: what is heard over such a link is
// not held against anybody.
//
// # What is checked
//
//	I1   equal sets: equal digests, heads, conflicts and rows      after every full check, against all earlier ones
//	I2   all hold the same within maxRounds once the world heals   at the end, and again after a write by each
//	     and who joins then gets it all from any one of them       at the end
//	I3   parents come first; clocks are what the parents say       for every version on every replica
//	I4   what was acknowledged is there after every restart        at every start
//	I5   a transaction shows whole or not at all                   after every step, by comparison with the model
//	I6   what was deleted stays so, I7 concurrent adds count,      likewise
//	I8   who saw another wins, and losers are conflicts: every     likewise; every entry in every full check
//	     entry, open and closed, with its sides and its base
//	I9   times and dots rise                                       for every version
//	I10  nothing is applied twice, in no order                     for every version
//	I13  one id is one content; a fork is told                     for every version; in every full check
//	     no two databases go on as one author                      at the end
//	     one that was set back behind what had left it goes on     after every step
//	     as another, unless its sidecar was set back with it
//	I14  Verify finds nothing                                      at the end
//	     what never left is written again with the same ops (I4),   whenever a replica did that
//	     and only by whoever wrote it (I7)
//	I15  what is invalid is refused by all                         whenever the scripted peer was met
//	I16  and harms only what depends on it: all else comes to all  at the end
//	     what was erased is gone from every key, conflict, log and  by comparison with the model; in every full check
//	     point, for whoever has its proof, and nothing else is
//	I18  a write can be read                                       after every write
//	I19  nobody is believed to hold what it does not               whenever a receipt changes, when who gave one starts again
//	                                                               after a crash, in every full check, and when a hostile
//	                                                               peer has lied
//	I20  a hostile peer leaves behind what its bounds allow, and   after every visit of one on a live link
//	     is heard no further than its credit goes
//	I21  everybody can write, whatever came                        after every such visit, and at the end
//	I24  one seed is one trace                                     TestWorldRepeats
//
// The past is checked too: points of every kind are read and compared with the model of what they hold.
//
// # When a world fails
//
// The error names the seed and the command that prints what happened in it. Worlds are small, so the trace can be read.
// testdata/mutants holds bugs that were planted on purpose; TestMutants asks that the worlds find each of them.
package replicatest
