// Package crdt says what a key's value is, given the set of operations on it. It is arithmetic: no I/O, no clock, no
// goroutines, no state of its own.
//
// # The model
//
// An OP is one edit of one key. It belongs to a VERSION, which is stamped (clock.Stamp) and has a PAST: the versions that
// it covers. Two versions of which neither covers the other are CONCURRENT. A STATE is what all ops on one key come
// to, a VIEW is what a state shows:
//
//	ops of one version ─ Apply ─▶ State ── View(Strategy) ─▶ value, kind, open conflicts
//	                       │        │
//	                       ▼        └── Append / AppendDigest ─▶ bytes that replicas compare
//	             conflicts it closed
//
// Each kind of value has its own algebra, and the op's code chooses it, for ever. Whatever its kind, an op takes out what
// it covers of the other kinds. So kinds stand beside each other in a state only where they were written concurrently;
// the kind of the greatest live op is then visible, and the others are in conflict with it: one conflict, of which each
// kind is a side, named by its greatest live op.
//
// # Ops
//
//	code                 width  body (canonical)                                      kind
//	 1  put                1    the value                                             document
//	 2  delete             1    nil                                                   all kinds
//	 3  patch              1    [[removed path, …], path, value, path, value, …]      document
//	 4  add                1    an integer within ±(2^53−1)                           counter
//	 5  set-add            1    [element, …]                                          set
//	 6  set-remove         1    [element, …]                                          set
//	 7  resolve            1    [[author, seq, first 16 bytes of the id], …]          (closes conflicts)
//	 8  erase              1    [[author, seq, first 16 bytes of the id], index]      (destroys the content of an op)
//	16  text-splice        n    [position, code points removed, text]                 text
//	17  list-splice        n    [position, elements removed, element, …]              list
//	18  list-move          1    [from, to]                                            list
//	19  list-replace       1    [position, element]                                   list
//	24  attachment         reserved
//
// Paths are JSON pointers (RFC 6901) of map keys, not empty, in ascending order, none the same as or below another.
// Pointers are ordered bytewise with '/' below every other byte, so that what is below a path follows it. Elements
// ascend by canon.Compare and are unique. In a patch an object is laid out as its leaves; a LEAF is a scalar, an
// array, an empty object, or an object with a member "$bytes" (which merging must not touch, or it might become the
// text of bytes). No path leads through "$bytes". A splice owns a dot for each element that it removes or inserts, n of them and
// one at least; what it removes is counted from the position on, in the text that its author saw. An op of another code is
// UNKNOWN: it is kept, and marks the state.
//
// # The algebras
//
// Below, w is the version being applied and "covered" means covered by w.
//
// A document is register and record in one: ROOTS (values put), FIELDS (members patched) and TOMBSTONES (deletes that no
// op covers). Roots and fields carry KILLERS, the earliest deletes and ops of other kinds that cover them: without any
// they are live.
//
//	put     drops covered roots, fields and tombstones; adds a root
//	patch   for each of its paths drops covered fields there and below and adds a field; drops covered tombstones; drops
//	        what has a covered killer. Roots stay: they are the base that fields overlay
//	delete  becomes a killer of all that is covered and has no covered killer yet; drops covered tombstones, adds one
//	others  are killers like a delete, and leave no tombstone
//
// What is dead keeps its content, so that an edit concurrent with its killer revives the whole record; a later one finds
// it dropped. What the killer's own version wrote before it is dropped at once: nobody has seen it. A counter is the sum of the adds that only adds cover. A set is, for each element, the adds of it that
// nothing covers: no later add of it, no remove of it, no delete, no op of another kind. A remove leaves no trace. Every
// op but resolve and the unknown ones drops covered tombstones.
//
// Of a text and a list a state knows that they are there: it holds the EDITS that nothing covers, no later edit, no delete, no op
// of another kind. So it is small, and applying an edit costs the same whatever it edits. What they say is kept beside it, by
// package sequence, which needs no state but who saw whom. There a delete takes nothing out: an edit that is concurrent with it
// revives the whole, and whoever begins anew on what was deleted removes the old elements in the same version.
//
// An op that was ERASED has lost its body; which are, is for the caller to know (package replica), and is the same wherever
// the same versions are. It takes out what it covers, as it did when it had its body, and leaves nothing itself: no root, no
// field, no add, no element. So an erased put shows nothing and is in conflict with nothing; what
// it had replaced stays away. What an erased patch had replaced member by member, or an erased set-remove removed, only its body
// said, and it shows again: erase those ops too. An erased edit takes out nothing of its own text or list: that is there as long
// as one edit has its body.
//
// A field also remembers what it stands ASIDE of: the roots, and the fields at paths above, that its version does not
// cover. So a later look can tell an edit that knew what it wrote over from one that did not.
//
// # From document to value
//
// Without live fields, and under any strategy but Fields, the live roots and the tombstones are SIBLINGS; equal ones
// count once. One sibling shows itself, several are resolved by the strategy. With live fields, or under Fields, the
// document is shown as members. Each leaf of a considered root and each considered field is a CLAIM: at this path
// there is this leaf, or nothing. Under Fields all live roots are considered, otherwise those of the newest root's value. With a live field
// dead fields are considered too, and dead roots where no root is live.
//
//	At one path the latest claim stands. Of two claims at paths above each other
//	  - one that covers the other stands;
//	  - an empty object, and anything below it, agree: both stand;
//	  - nothing, below any leaf or nothing, agrees;
//	  - otherwise the later in the order of stamps stands.
//	A claim that a standing pair-mate contradicts is wiped, whatever became of that mate.
//
// The value is written from the standing claims; an object that is left without members is not there, except the root.
// A wiped claim is a conflict if nothing that covers it wrote over it and the value does not happen to satisfy it.
//
// A text or a list shows no value here, but its kind: View says that there is one, and in which conflicts it is. Edits of it are
// no conflict with each other; with a delete that did not see them they are.
//
// # Invariants
//
//  1. A state is a pure function of the set of ops and of who covers whom: any order of application that puts the past
//     first gives the same bytes (State.Append), the same views and, merged by MergeClosed, the same closed conflicts.
//  2. A deleted value never comes back, except whole and by an edit concurrent with the delete: a record (View.Revived), a
//     text, a list.
//  3. An add is in the sum, and in the set, until an op that covers it takes it out.
//  4. An op that covers all others decides alone: after a put, that value is shown, by every strategy, without conflict.
//  5. A concurrent write that is not shown is a Conflict, until a version that covers all its sides closes it; then that
//     version's Closed says whether it was resolved or overwritten. Equal values are no conflict.
//  6. A Strategy decides what is shown, never what is stored; one that fails changes the view of its keys alone.
//  7. A view's value is canonical, whatever was merged.
//
// # Cost
//
// A put that covers all that was applied before it costs no allocation on a state of one value. Anything that covers all
// needs no history. A concurrent write asks the Lookup for the state that it saw, unless its author's own put is still
// there and nothing was merged since (SameRun), or it is an add, or an op on a set, and the key never held another kind.
// A delete, or an op of another kind, that is concurrent with adds recounts them. An edit of a text or a list asks nothing where
// the key never held anything else and was never deleted.
//
// Sources: Shapiro et al., "A comprehensive study of Convergent and Commutative Replicated Data Types" (2011), for the
// kinds; Bieniusa et al., "An optimized conflict-free replicated set" (2012), for removes without tombstones;
// Almeida et al., "Scalable and Accurate Causality Tracking for Eventually Consistent Stores" (2014), for siblings
// under a causal context; Kleppmann and Beresford, "A Conflict-Free Replicated JSON Datatype" (2017), for deletes of
// records that concurrent edits revive.
package crdt
