// Package history has the versions of a space and the DAG that they form: what is hashed, how it travels, what came before
// what. It is arithmetic on facts: no I/O, no clock, no goroutine.
//
// # The model
//
// A VERSION is a fact: one transaction of one AUTHOR (a database instance, by its public key), made once and never
// changed. It OWNS a number of dots (author, seq): one for each op, more for an op that says so, one if it has no op.
// It is named by its last dot and proved by its ID, the hash of its header:
//
//	  version of author B, dots 4 and 5
//	┌────────────────────────────────────┐
//	│ header                             │
//	│   seq 5                            │        PARENTS are the versions that it saw last: PREV, the author's own
//	│   prev ───────────────────────────────▶ B@3  previous one, and DEPS, all other heads that the author had applied
//	│   deps ───────────────────────────────▶ A@7, C@1
//	│   time                             │        The id covers the parents' ids, so it commits to the whole PAST
//	│   SHA-256(payload) ──┐             │
//	└──────────────────────│─────────────┘
//	   payload ◀───────────┘                     The author is not in the header: prev goes back to GENESIS, a hash
//	     ops    op, op                            of the space and the author.
//	     meta   message, undo group, …
//	   contents  the bodies of ops that are DETACHED: the payload holds only their hash, so they can be erased
//
// A RUN is consecutive versions as bytes: the one form in which they are sent, stored and backed up.
//
// The GRAPH answers what came before what, for one database. It numbers all dots in the order in which they were applied:
// LV 1, 2, 3, …; parents have the smaller ones. Each author's versions form a LINE; if an author FORKED (its database was
// copied), one more for each branch. A SPAN is a stretch of a line in which nothing happened but that the author went
// on, contiguous in LV. Ten million versions are some hundred thousand spans.
//
//	         LV  1  2  3  4  5  6  7  8  9 10
//	line 0       1──2──3───────────4──5              spans: LV 1–3, 4–6, 7–8, 9, 10
//	             │                     \             head:  LV 10
//	line 1       └────────1──2──3────────4           clock of LV 8:  line 0 up to 5
//	                                      \          clock of LV 9:  the same, and line 1 up to 4
//	line 2                                 1         clock of LV 10: the same, and line 2 up to 1
//
// A CLOCK is a cut of the graph: how many dots of each line are covered. A point in the past is a CUT: a clock, or a time.
//
// # Invariants
//
//  1. One id, one version. What New makes and what a Decoder accepts obey the same rules (doc/format.md), and the verdict
//     depends on the version and its parents alone: it is the same everywhere, in any order of arrival.
//  2. Of an op whose code this program does not know, only the envelope is judged. It is hashed, kept and forwarded as
//     it is.
//  3. The ids of a run chain from the few that it states (Decoder.Befores, Decoder.Externals). Whoever compares these with
//     what it holds has checked all of them.
//  4. An invalid version harms itself and its descendants: the rest of its run is read.
//  5. Reading a run takes at most 8 times its size in memory, plus 64 KiB. Nothing is allocated on the word of a count.
//  6. A parent has a smaller LV, and a smaller time, than its child.
//  7. Clocks are exact: Clock(b) covers a if and only if Covers(b, a). Clocks are derived, never taken from a peer.
//  8. Names of the branches of a fork come from the set of versions, never from the order of their arrival.
//  9. Bytes that are hashed, stored or sent are canonical (package internal/canon). Time, authors and ids together are a
//     total order that is also an order of the DAG (package crdt/clock).
//
// # Reading on
//
//	version.go payload.go meta.go body.go     the version and what it holds
//	verify.go limits.go errors.go             making one, judging one
//	chain.go run.go decode.go                 a chain of versions, runs
//	span.go line.go graph.go attach.go        the graph and how versions get in
//	branches.go                               the versions of an author who forked very often
//	walk.go tips.go clocks.go cut.go past.go  what came before what
//	pending.go                                what must wait
//	erasure.go                                what proves that contents were erased
//	blame.go                                  who wrote what a value is made of
//
// Sources: the run-length graph and local version numbers are those of Gentle and Kleppmann, "Collaborative Text Editing
// with Eg-walker" (2025), and of its implementation diamond-types; versions named by dots are from Preguiça
// et al., "Dotted Version Vectors" (2010); a DAG named by hashes stays sound with any number of liars: Kleppmann and
// Howard, "Byzantine Eventual Consistency" (2020).
package history
