// Package protocol is the conversation by which two replicas come to hold the same versions. It is arithmetic: frames
// in, frames out, over any link that carries them in order.
//
// # Model
//
// A SESSION is one conversation with one peer. Both ends run the same machine; there is no client and no server. What
// the machine knows of the replica it serves is the interface Local; what a pack of versions holds, it does not look
// at. A FRAME is one message, a canonical MessagePack array (internal/canon) [kind, field…]:
//
//	kind     fields                                                      said
//	1 hello  version, space, author, instance, wall, strategies,         first
//	         tips digest, state digest, stay, proof
//	2 have   clock, last, base                                           once the peer's hello came, in parts
//	3 pack   pack                                                        once both clocks were told
//	4 end    number of packs                                             behind the last pack
//	5 ack    packs, end, whole, clock, tips digest, state digest,        within 16 packs, and behind the peer's end
//	         applied, refused, refusals; or packs alone                  behind what came in a session that stays
//	6 bye    reason, text                                                last, or as soon as something is wrong
//	7 presence  author, origin, seq, hops, body                          while both stay
//	8 name   author, proof                                               while both stay, by whoever had no name before
//
// doc/protocol.md gives every field its type, range and meaning.
//
//	  A                                   B                      A                        B
//	  ├─ hello ──────────╲ ╱────── hello ─┤                      ├─ hello ────╲ ╱─ hello ─┤
//	  │                   ╳               │    equal tips        │             ╳          │
//	  │◀─────────────────╱ ╲─────────────▶│    in the hellos     │◀───────────╱ ╲────────▶│
//	  ├─ have ───────────╲ ╱─────── have ─┤    leave nothing     ├─ ack, bye ─╲ ╱ ack, bye┤
//	  │◀─────────────────╱ ╲─────────────▶│    to transfer:      │◀───────────╱ ╲────────▶│
//	  ├─ pack, pack, end ╲ ╱── pack, end ─┤                    synced                   synced
//	  │◀─────────────────╱ ╲─────────────▶│
//	  ├─ ack, bye ───────╲ ╱─── ack, bye ─┤
//	  │◀─────────────────╱ ╲─────────────▶│
//	synced                              synced
//
// Tips are the newest versions of each line of each author, by their ids. An id commits to the whole past of a version,
// so equal tips are equal sets. A CLOCK names tips by dots (author, seq) with half of the id: enough to see a fork.
//
// A session STAYS if both hellos say so: then nobody says bye behind the final acks, and what is new on one side is pushed to
// the other as packs. What is new is for Local to say, when whoever drives the session has called Changed: all that came
// to be held since the last feed and not from this peer. Leave ends it, when all that was pushed is acked.
//
//	A                                   B
//	├─ ack ────────────╲ ╱──────── ack ─┤     the final acks: live
//	├─ pack ───────────────────────────▶│     A has written
//	│◀─────────────────────────── ack ──┤
//	│◀────────────────────────── pack ──┤     B has written
//	├─ ack ────────────────────────────▶│
//	├─ bye ────────────╲ ╱──────── bye ─┤     A leaves
//
// Beside versions such a session carries PRESENCES: what is true for the moment, passed on and never stored. When nothing has
// happened for a while (Rest), each side tells its digests in an ack, so that a divergence is found without another session. Who
// has a name only since it wrote for the first time in such a session tells it then.
//
// What is under way is bounded by CREDIT (limits.go): a sender waits for acks, whatever the link buffers.
//
// A large clock is told by what differs from one that both may remember, named by its digest: Local keeps for each peer what both
// held when they last held the same. Both sides name what they remember, so both know where the other does not remember it, and
// tell their clocks whole then.
//
// A clock that was told is not told again: an ack lists what is held beyond the have of its sender and, where it says
// whole, beyond the have of its receiver; digests that were told are not told again either. So the ack of a sync after
// which both hold the same is 80 bytes or less, whatever the
// number of authors.
//
// # States
//
//	                 hello, same space,            both final acks
//	connecting ──────  another replica ──▶ syncing ───────────────▶ synced
//	    │                                     │
//	    ├── other version, space or self ──▶ denied
//	    └── anything else ────────────────────┴──▶ broken
//
// # Invariants
//
//  1. Nothing decoded makes a session allocate more than a small multiple of the bytes that came: limits come first
//     (limits.go), counts are believed as far as bytes remain.
//  2. An ack speaks of what is durable: Local.Apply has returned for it. It may say less than is true (clocks are cut at
//     MaxTipsPerAck), never more.
//  3. A session that ends anywhere leaves both replicas as they were plus some applied packs; a new session transfers
//     what is still missing. A version comes twice only if it was under way when the link broke, was written after
//     its author's have (the other side may send that back, once), or stands on a line of a copied author of whom each side knew
//     another one.
//  4. A frame that has no place is ErrUnexpected and changes nothing but the session: lost, repeated and reordered
//     frames never corrupt.
//  5. What is written during a session, here or there, is not part of its snapshots; Report.Equal says that it happened. A
//     session that stays carries it behind the final acks: no version is left out between a feed and the next one.
//  6. Equal tips with unequal states are reported (Report.Diverged), whenever either side sees them, and never repaired
//     in silence.
//  7. One bad version harms itself and what depends on it: it is refused by name in an ack, the session goes on.
//  8. Text from the peer is bounded and has nothing in it that does not print.
//
// # Trust
//
// Versions prove themselves (ids, seals, certificates: Local.Apply); everything else that a peer says is believed about
// that peer alone. The machine does not encrypt: whoever drives it over a link that strangers can reach wraps it. What
// wraps it and binds both ends is a Link: then each hello carries a signature of its author over its end of the link, and
// Peer.Proven says whether the peer's holds. A hello that is sent again by somebody who recorded it proves as much, so
// nothing is changed on its word alone.
//
// Sources: the design follows etcd-io/raft in being a machine without I/O; the exchange of clocks is that of Bayou
// (Petersen et al., "Flexible Update Propagation for Weakly Consistent Replication", 1997).
package protocol
