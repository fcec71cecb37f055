package protocol

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// Digest is a SHA-256, or a sum of several modulo 2^256.
type Digest [32]byte

// Instance is the nonce of one database instance (identity.Instance.Nonce): what tells a copy from its original where
// both still write under one author.
type Instance [16]byte

// Local is the replica as a session sees it. The session calls it from Receive and Next only, one call at a time. An
// error is local trouble (a store that is full, closed or corrupt): it breaks the session, is returned by the method
// that met it, and the peer hears no more of it than ReasonLocal. What is wrong with the peer's data is no error; it
// stands in Applied.
type Local interface {
	// Facts says who this replica is and what it holds. It is called once, before the hello.
	Facts() (Facts, error)
	// Meet says whom the session is with, and how far the peer's wall clock is ahead of ours in ms; negative: behind. It
	// is called once, after the peer's hello, unless the hellos told equal tips. It may change what is held here, and it
	// chooses what our have tells of that: all of it or less, since only what the peer is to send depends on it. nil says
	// that what Facts said is good.
	Meet(peer Peer, skew int64) (*Held, error)
	// Held says what is durable here now. It is called once for each ack.
	Held() (Held, error)
	// Holds reports whether each version that a peer's have names is held durably here, and no other one of its dot in its
	// place. It is called once, for the final ack.
	Holds(have clock.Vector) (bool, error)
	// Missing returns what a peer that holds have lacks: one snapshot, parents before children, every author that
	// appears sealed and, if have does not name it, certified. It is called once, before the first Apply, with at
	// most MaxTips entries that the peer chose. That the versions leave this device must be durable before a pack is handed over.
	Missing(have clock.Vector) (Feed, error)
	// Apply verifies a pack and commits what is good in it; on return that is durable. A pack that it cannot read is
	// refused whole, by a Refusal that names no version. The pack aliases the frame and is valid during the call only.
	Apply(pack []byte) (Applied, error)
	// Acknowledge records a receipt: the peer says that it holds all of ack.Clock durably, beside what it said before in
	// this session. A peer is believed about itself alone.
	Acknowledge(peer Peer, ack Ack) error
	// News returns what came to be here since the snapshot of the feed before it (of Facts, where the hellos told equal
	// tips) and did not come from the peer by Apply; nil where there is nothing of that kind. Otherwise it is like Missing.
	// It is called in sessions that stay, behind the final acks.
	News() (Feed, error)
}

// A Feed gives out the packs that a peer lacks, in the order in which they can be applied. A session that opened one
// closes it, once, on every path that ends in Done or Close, and never before what it gave was sent: in Next or Close.
type Feed interface {
	// Next returns the next pack, or io.EOF when there is none left. It is read until the next call or Close, and has at most
	// MaxPack bytes; a version of the greatest legal size always fits into a pack of its own.
	Next() (Pack, error)
	// Close releases the snapshot behind the feed.
	Close() error
}

// Facts are what a replica says of itself in its hello: one snapshot.
type Facts struct {
	Space    identity.Space
	Author   identity.Author
	Instance Instance
	// Wall is the wall clock in ms since 1970; a negative one is sent as 0.
	Wall int64
	// Strategies are the names that this replica resolves beside the built-in ones ("ours/1"), at most MaxStrategies of MaxStrategyName bytes.
	Strategies []string
	Held       Held
	// Sign is a signature of Author, nil where that is zero.
	Sign func(identity.Domain, []byte) identity.Signature
	// Stay is true where the session is to go on with what is written later, if the peer wants that too.
	Stay bool
}

// Held is what a replica holds durably: one snapshot.
type Held struct {
	// Clock has one entry per line of each author, so a forked author has several; at most MaxTips, of more lines the others
	// are not told.
	Clock clock.Vector
	// Tips is a digest over the full ids of the tips in Clock's order: equal tips mean equal sets of versions.
	Tips Digest
	// State is the digest of the folded state: equal sets must mean equal states. Zero where it is not told.
	State Digest
	// Common is a clock that the peer may remember too: what both held at the end of a session. nil where there is none. Only Meet
	// says it.
	Common clock.Vector
}

// Pack is a piece of history on its way.
type Pack struct {
	// Bytes are versions and what proves them, as package history/pack has it. The session does not look inside.
	Bytes []byte
	// Frame is memory that ends in Bytes, and before them has FrameRoom bytes at least for the session to write to, so that it need
	// not copy the pack into a frame. nil says that there is no such room.
	Frame []byte
	// Versions is how many there are in Bytes, Tips the newest of each line among them. Both are for the sender and do not
	// travel.
	Versions int
	Tips     clock.Vector
}

// Applied is what became of a pack.
type Applied struct {
	// Versions were new and are held now; Duplicates were held before.
	Versions, Duplicates int
	// Pending wait, durably, for something that did not come (see history.Pending). They are not held.
	Pending int
	// Refused are invalid, or depend on what is. Nothing of them is held.
	Refused []Refusal
	// Conflicts and Forks that are open now and were not before.
	Conflicts, Forks int
}

// Refusal names a version that a replica will not take, and says why.
type Refusal struct {
	Author identity.Author
	Seq    uint64
	ID     clock.ID
	// Text is for people: what is wrong and what it would take. A session cuts it at MaxText bytes and takes out
	// what does not print, on the way out and on the way in.
	Text string
}

// Peer is the replica on the other side, as its hello described it.
type Peer struct {
	Author   identity.Author
	Instance Instance
	// Strategies are the names that the peer resolves beside the built-in ones.
	Strategies []string
	// Proven is true if the peer has shown that it is that author, by a signature over the link. What it says once a frame
	// has come behind its hello is said by that author.
	Proven bool
}

// Ack is a receipt: what the peer says it holds durably.
type Ack struct {
	// Clock is a lower bound: the peer holds each version named and its past. It is exact where both held the same. It
	// may name a line twice, by an earlier and a later dot; and what it says of a forked author only the graph can
	// tell (see clock.Vector).
	Clock clock.Vector
	// Tips and State are digests over all that the peer holds, as in Held.
	Tips, State Digest
	// Equal is true if Clock is all that the peer holds, and all that is held here: what both may remember (Held.Common).
	Equal bool
	// Whole is true if the peer holds all that our have named. Only then what was not sent, since the peer seemed to hold it,
	// is known to be there.
	Whole bool
	// Final is true for the ack that answers the end of all that was sent here, Live for those behind it: their Clock is
	// what came to be held since the ack before, and their digests are zero where the peer did not tell them.
	Final, Live bool
}
