// Package sequence has collaborative text and lists: elements in an order that everybody may edit at once. It is an
// event-graph walker, and arithmetic: no I/O, no clock, no goroutine.
//
// # The model
//
// An author writes a SPLICE: at this position, take out so many elements and put these in. Each element taken out and each
// put in is an EVENT with a dot of its own. A position is an index in what the author SAW, and means nothing without that.
// Who saw what is a graph: the PARENTS of an event are the newest events that its author had seen.
//
//	LV   0 ── 1 ── 2 ── 3      B types "cd" at 2, having seen "ab"          a document is a LOG of events, numbered in
//	     a    b    c    d                                                   the order in which they came to this
//	           \                                                            replica (LV), and what they make: the VIEW
//	            ── 4           A types "x" at 0, having seen "ab":
//	               x           the parent of 4 is 1, heads are 3 and 4      here "xabcd"
//
// Heads name a VERSION of the document: they and all events before them. To know what an event does, its position must be
// understood in the version of its parents, the PREPARE version; what it does is done to the version of all events that were
// applied so far, the EFFECT version. Mostly the two are one: the event has seen everything, its position is good as
// it is, and applying it is a splice in a rope and a line in the log. Otherwise a TRACKER knows both:
//
//	element   x  a  b  c  d      ITEMS are runs of elements that fare alike; they stay when they are removed
//	prepare   +  +  +  .  .      +  there    .  not inserted yet    -  removed, by one or more of its events
//	effect    +  +  +  +  +      +  there    -  gone for good
//
//	moving the prepare version           undo (retreat) the events that it is not to have, do again (advance) those that
//	                                     it lacks: a change of state for each element concerned
//	an event that inserts at pos         goes after the pos-th + of the first line; all that stand there and are not in
//	                                     its version are passed or not by the order below; its place in the document is the
//	                                     number of + before it in the second line
//	an event that removes at pos         removes the pos-th + of the first line; if it was not gone, it goes from the document
//
// A version is CRITICAL while every event after it has seen all of it. What is before a critical version can be forgotten:
// the tracker starts at the newest one that serves, with the document of that time as one item whose events nobody looks up.
// So it holds what was written concurrently and no more, and it is given up when everybody has caught up.
//
// THE ORDER of what several authors inserted at one place is that of FugueMax. An element has two ORIGINS, its neighbours
// where and when it was inserted, removed ones among them. It stands between them. Among others that stand there too and
// that its author did not see, origins decide, and between the same origins author key, seq and id. What one author typed in
// one go, forwards or backwards, is never interleaved with what another one did.
//
// A LIST is the same machine with elements that are opaque bytes, and two events more. A MOVE puts an element elsewhere: a
// new place for it is inserted, and of the places that an element has, the one of the greatest move in the total order of
// versions shows it. A REPLACE gives it other content, and the greatest stands. An element that somebody removed is gone,
// whatever others did to it meanwhile.
//
// # Invariants
//
//  1. Text, order and lists are functions of the set of events: any order of application that puts parents first gives
//     the same, by splices, by Apply or by Merge of a log, however they were cut into batches.
//  2. Inserts of one author at one place stay together and in his order: typed forwards, or backwards.
//  3. What was inserted beside or within what somebody else removed meanwhile, stays.
//  4. An element that is removed never comes back. A moved element is in one place.
//  5. The edits that Apply returns, done to the text before, give the text after.
//  6. An event that is refused leaves everything as it was. No input panics.
//  7. All events before a critical version have smaller numbers than those after it, on every replica. The cuts of a graph
//     are all of its critical versions but the newest version, which is one in any case.
//  8. The tracker holds the events from a critical version on, without a gap, and while it is used, all of them.
//  9. What a decoder accepts, an encoder writes (Log.Append, AppendSnapshot). Nothing is allocated on the word of a count.
//
// # Cost
//
// A local edit, and one that has seen all: O(log n), a few dozen nanoseconds where the last edit was. A run of them is one
// line in the log: 16 bytes, and its text. A concurrent event: O(log k) for k events since the newest critical
// version, and as much for each event that is undone and done again on the way; the first one replays those k.
//
// A history that is replayed into an empty text, by Merge or At, touches no text: an outline says which elements are visible, and
// the rope is made of it in the end. Merge and At carry a log branch by branch, the smaller ones first (plan.go). Ops that Apply
// gets by turns from two long branches are undone and done again at each turn: give it one branch after the other.
//
// # The seam
//
// The caller owns versions; History tells who saw whom, and the graph of package history can (seam_test.go). The log here
// keeps the graph of this document alone: parents are found by asking which of the events here an op's version has seen. LVs
// are this replica's, and of this document; nothing outside knows them. Keep Text.AppendSnapshot, from which a text opens
// without its past, and beside it Log.Append in parts. Give the past to Load when ErrHistory asks for it: for a concurrent
// event, or an old version, or an anchor whose element was removed. Of an op whose text was erased, positions and lengths
// remain: give it that many U+FFFD as text, and what was written around it stays where it is.
//
// # Reading on
//
//	op.go errors.go wire.go                    splices, ops, edits; what the outside is asked; how bytes are read
//	text.go delta.go anchor.go past.go         a document of text; edits as one; positions that last; old versions
//	list.go list_diff.go list_rebase.go        a list; from one version of it to another; edits past one another
//	core.go merge.go plan.go                   applying events, directly or through the tracker; one log into another, in which order
//	graph.go dots.go log.go                    what came before what, who made it, what it did
//	walker.go tracker.go tracker_edit.go       the prepare version and the effect version
//	pages.go moves.go                          where elements are; those that were moved or replaced
//	tree.go rope.go rope_read.go list_items.go what is visible
//	outline.go                                 what is visible while a history is replayed
//	encode.go decode.go snapshot.go list_snapshot.go
//
// Sources: Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker: Better, Faster, Smaller" (2025): sections 3.2
// to 3.4 for the walk and its order, the two versions and the trees, 3.5 for critical versions, 3.6 for the document as one
// item, 3.8 for the encoding. Weidner and Kleppmann, "The Art of the Fugue: Minimizing Interleaving in Collaborative Text Editing" (2023), for
// FugueMax; the comparison of origins is YjsMod of Gentle's reference-crdts, which gives the same order. Kleppmann, "Moving
// Elements in List CRDTs" (2020), for moves.
package sequence
