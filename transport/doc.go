// Package transport is the contract of a link: two ends that pass opaque
// frames to each other. It knows nothing of what the frames mean and imports
// nothing of this module, so no transport can see into a document and any of
// them serves.
//
// # Words
//
//   - A frame is a run of 0 to MaxFrame bytes. It arrives whole or not at all.
//   - A link is a pair of ends; a Conn is one end.
//   - A Dialer makes a link by reaching out, a Listener by being reached.
//
// # The shape of a link
//
//	Send ──▶ ┌─────────────── bounded ───────────────┐ ──▶ Receive
//	   end a │ frame 3 │ frame 2 │ frame 1           │ end b
//	Receive ◀── ┌────────────── bounded ─────────────┐ ◀── Send
//
// # Invariants
//
//  1. Order: frames arrive in the order in which they were sent, once each.
//  2. Framing: one Send is one Receive, byte for byte, empty frames too.
//  3. Back-pressure: what lies between the ends is bounded. Send waits while
//     the other end does not receive.
//  4. Prefix: whatever breaks, a receiver gets the first n frames for some n,
//     and never a part of one.
//  5. Flush: if both ends live and the link holds, each frame whose Send had
//     returned nil before Close was called arrives before ErrClosed.
//  6. End: once an end has returned ErrClosed from Receive, its Receive and
//     Send return nothing else but ErrClosed or a context's error.
//
// A link promises nobody's identity and no secrecy: package noise adds both, as
// a link over any other. Package transporttest holds the contract as a proof
// kit for any implementation; package pipe is the one within a process, package
// ws the one over websockets.
package transport
