// Package replica is kdelta for an application: it joins the arithmetic below (crdt, history, protocol) with a store, and
// gives goroutines, locks and words that people use. Everything that it shows is a function of the set of versions in
// its database.
//
// # The model
//
// A REPLICA is one device's copy of a SPACE: one database with all the data that is shared, and its whole history. Data are
// values under KEYS; a key is NAMESPACE/NAME. Every write makes a VERSION: one or more edits (ops) by one AUTHOR, which is
// one database instance, at one TIME, with a message. A version is immutable and is named AUTHOR@SEQ; its id, a
// hash, commits to it and to all that it was written on top of, its PARENTS. So versions form a graph:
//
//	laptop   1──2──3─────────5            each version covers all that is left of it along the lines
//	               \        /
//	phone           4──5──6─┘             laptop@3 and phone@4 are before phone@6, and before laptop@5
//	                                      laptop@4 would be CONCURRENT with phone@4: neither had seen the other
//
// A write covers all that its replica had applied: the HEADS, the versions that no other covers, become its parents. Where
// two writes on one key are concurrent, both are kept. The namespace's STRATEGY decides what is shown (the default:
// the later time), and what is not shown is a CONFLICT, listed until somebody resolves it or writes over it. Reading
// never writes. Deciding is the same on every replica, because it looks at nothing but the versions.
//
// What a key holds is of one of six KINDS: a register (a value that is set as a whole), a record (an object whose
// members merge one by one, in namespaces under the strategy `fields`), a counter, a set, a text or a list that several people write
// at once (Text, Array). What is typed into a text is a version only when there is enough of it (Typing), or somebody says so.
//
// A POINT is a set of versions that holds the parents of each of them: a version with all that it covers, a FRONTIER of
// several, a tag that names one, or all versions up to a time. At a point the database can be read as it was.
//
// # Two trips, each one way
//
//	a write   Set, Update ─▶ queue ─▶ ops ─▶ history.New ─▶ fold (crdt) ─▶ one commit of the store ─▶ Watch
//	                        (turns)                │                         ▲   rows: versions, keys' states,
//	                                               ▼ sealed at hand-out      │   conflicts, digest, tip
//	a sync    transport ─▶ protocol ─▶ verified by history ─▶ fold (crdt) ───┘ ─▶ Watch
//	          (bytes)      (limits)    (hash, seal, certificate, parents)
//
// Both end in the same commit, so that it does not matter which way a version came. Everything that follows from a
// version is written with it; nothing is repaired later.
//
// # What is promised
//
// The numbers are those of the project's list of invariants; the simulator in package replicatest checks them.
//
//	I1   Equal sets of versions are equal: state, heads, conflicts and digest are the same bytes.
//	I2   Replicas that can reach each other come to hold the same versions in a bounded number of syncs.
//	I3   Nothing is visible before its causes: a version whose parents are missing waits, and Status says for what. Clocks
//	     are exact.
//	I4   When a write returns, it survives the death of the process at any instant, and with a store that syncs to disk,
//	     the loss of power.
//	I5   What one Update wrote is visible as a whole or not at all, here and on every peer.
//	I6   A deleted value never comes back, but for a record that somebody edited while another deleted it: it comes back
//	     whole, and as a conflict.
//	I7   No add is lost: not to a counter, not to a set, except by a delete or remove that had seen it.
//	I8   A write that had seen another wins over it, whatever the clocks say.
//	I9   An author's times and numbers only rise.
//	I10  To apply a version again changes nothing, and the order of concurrent ones does not matter.
//	I13  One id has one content. If a database was copied and both copies wrote as one author, that author is forked:
//	     what had left either is kept on both branches, the one that hears of it goes on under another author and writes the
//	     rest again, and Status shows the fork if there is one.
//	I14  What is stored hashes to its id again; Verify finds every flipped bit.
//	I15  Whether a version is valid is the same everywhere, in whatever order versions come.
//	I16  A bad version, strategy or peer harms itself and what depends on it, and nothing else. For each version that is here
//	     there is a seal that proves it to others: what only a seal over a bad one would prove is not taken.
//	I18  You read what you wrote, as soon as the write returns.
//	I22  The events of a Watch from any cursor, replayed over what was there at it, give what is there.
//	I19  A replica is said to hold (WaitSynced, Peers) only what it has itself said is durable there.
//	I20  What a peer leaves behind has bounds, whatever it sends: what waits, what is remembered of the moment, what is under way.
//	I21  No peer makes a local write fail, or wait for more than the commit that runs: what costs much is applied in slices.
//	I24  With a seeded source of randomness and a clock given in Options, the same calls make the same versions.
//
// # Isolation
//
// All writes on one database are made one after the other, those of other processes included: Update is serialisable.
// Inside of its function the Tx sees the database as it was when the function began, and its own writes. A Get sees
// everything that was committed when it began; the loop over a List, a Log or Conflicts sees one snapshot until it ends.
// Readers never wait for writers. Writes that wait for their turn share one durable commit, each its own version.
//
// # Durability
//
// A write returns when the store says that its commit is durable, or with an error, and then it left nothing behind. What
// durable means is the store's promise: package store/sqlite survives the loss of power by default, package
// store/memory nothing. A sync acknowledges what it has committed and nothing else.
//
// # Whose writes: identity
//
// An author is a database instance, not a person and not a device: the key is made with the first write and stays in the
// database. A file that was copied, or set back to an older state, would repeat numbers that its author has used; a
// sidecar beside the file betrays that, and the next write takes a new author. Where nothing betrays it, the databases
// find out when one hears of versions of its author that it did not write. It takes a new author then as well, and what
// never left the device is RE-ISSUED: taken back, and written again under the new author, version for version with the
// same ops (withdraw.go). So no fork is seen by anybody who has not seen both branches. The same happens, before anything
// is handed out, to a tail whose times are more than 5 minutes ahead of a peer's clock. What has left is recorded before
// its first byte leaves (a sync, a backup), and stays as it is; so does all that anything stands on that others wrote.
// A Version that was read before still works: it leads to the one that stands for it, as Current tells. SetName gives authors
// the names that people see; Undo and the 8-character form of an author are about the instance.
//
// # What must be gone: erasing
//
// In a namespace whose Settings say Erasable, what an op says is kept beside its version, which holds a salted hash of it.
// Erase destroys it by writing a version that names the ops. That version is sealed by itself, so it PROVES what it erased to
// whoever does not have it yet, and it travels with every version that lacks something because of it. An erasure holds as soon
// as its proof is known, in whatever order things come: contents are dropped, and the keys are what their ops without contents
// come to (package crdt). Bytes of them that the store's files still hold are SCRUBBED. Ids, graph and seals stay as they are.
//
// # Reading on
//
//	replica.go options.go reader.go version.go errors.go         the words as types
//	read.go point.go range.go parse.go blame.go                  reading, now and in the past
//	descent.go checkpoints.go pastlist.go pastcache.go           how the past of a key is found, of many at once, and kept
//	log.go logorder.go loggraph.go                               a log, in its order, and as a graph
//	diff.go textdiff.go listdiff.go patch.go                     what changed
//	watch.go cursor.go                                           what happens, from a place on
//	update.go write.go queue.go import.go collection.go          writing
//	resolve.go undo.go                                           settling conflicts, and taking things back
//	conflicts.go conflictlist.go                                 conflicts: what is kept of them, and shown
//	conflictentry.go conflictreader.go                           what a row tells of one, written and read
//	text.go array.go handle.go textedits.go                      texts and lists: handles, what happens to one
//	editmove.go                                                  who edits one and is behind with that
//	typing.go typingrest.go edit.go                              what is typed, and becomes a version; edits and their ops
//	documents.go document.go content.go lineage.go               those that are open; how they are made
//	sequences.go sequencepast.go keep.go                         how they are kept; blame, undo; snapshots of what others wrote
//	txtext.go txarray.go draft.go                                texts and lists in an Update
//	settings.go relearn.go names.go space.go adopt.go            what all replicas agree on: strategies, tags, names, members
//	sync.go progress.go preview.go room.go                       syncing, as it is called
//	driver.go backlog.go session.go local.go                     what carries frames, and what the session asks of the replica
//	tips.go feed.go gather.go                                    what a peer lacks
//	unpack.go packops.go proofs.go seals.go judge.go             what came, and whether it holds
//	apply.go slice.go begun.go pending.go retry.go               how it is applied, and what waits
//	live.go livedriver.go news.go pulse.go                       syncing that goes on
//	receipts.go presence.go                                      what others are known to hold, and say of the moment
//	status.go why.go remotes.go                                  how it stands
//	verify.go verifyhistory.go verifysignatures.go verifystate.go verifysequences.go verifyerasures.go
//	                                                             whether it is whole
//	backup.go restore.go                                         the whole as one file
//	commit.go own.go fold.go keyrows.go keylog.go runs.go tip.go digest.go
//	                                                             what a commit writes
//	snap.go cache.go                                             what is read of it, and kept in memory
//	docs.go workspace.go keygap.go                               what one commit leaves to the next; what it need not look for
//	compact.go background.go packed.go                           old versions as packs
//	guard.go                                                     what betrays a copied file
//	reissue.go withdraw.go reissued.go                           writing again what never left
//	erase.go erasures.go learn.go erasing.go refold.go           destroying what was written, here
//	feederased.go scrub.go erasurelist.go                        and wherever it is, or was
//
// Sources: the model of versions, parents and heads is that of version control; merging by kinds follows package crdt,
// the graph package history, whose documentation names the literature. Group commit: DeWitt et al., "Implementation
// Techniques for Main Memory Database Systems" (1984).
package replica
