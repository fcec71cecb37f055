// Package noise encrypts a link between members of a space: who holds the key
// of the room gets through, and nobody else learns or changes anything. It
// wraps any transport.Conn and is one itself.
//
// # Model
//
// A ROOM is a public id of 32 bytes, its KEY a shared secret of 32 bytes (in
// kdelta both derive from the epoch's secret, see package identity). The end
// that dialled INITIATES, the other RESPONDS: it finds the key by the room that
// the initiator names. The handshake is Noise NNpsk0 with Curve25519,
// ChaCha20-Poly1305 and SHA-256: two messages, fresh keys for every link, and
// the room's key mixed in before anything else.
//
// The first frame that each end sends travels in its handshake message, so the
// handshake costs no round trip of its own:
//
//	initiator                                               responder
//	Initiate, Send(first)
//	    "kdnoise" version room │ e, {first frame}        ──▶ Respond, Receive
//	    ◀── 0 │ e, {first frame}                             Send(first)
//	Receive
//	    ◀──────────────── {records} ────────────────────▶
//
// The clear part of the first message, the PREAMBLE, is the prologue of the
// handshake: who alters version or room on the way makes it fail. Instead of
// the second message a responder may send one byte 1 and its version, or one
// byte 2. Such a REFUSAL is in the clear and proves nothing; it is what a
// refused end shows its user. An unknown room and a wrong key look alike.
//
// Behind the handshake a transport frame is a RECORD, one Noise message of
// 17 to 65,535 bytes. Its first byte, encrypted with the rest, says what it is:
//
//	0 LAST      the frame, or the last part of one
//	1 PART      a part with more to come, not empty
//	2 FAREWELL  the sender has closed the link; empty
//
// # Invariants
//
//  1. A record is read once, in its place: the nonce counts records in each
//     direction. Altered, repeated, dropped and reordered ones fail, and the
//     link with them (ErrTampered).
//  2. An end is told from a cut: only a FAREWELL gives transport.ErrClosed
//     alone. Everything else that ends a link gives ErrTruncated beside it.
//  3. What is stored is bounded: a record by its length before it is opened, a
//     frame by transport.MaxFrame before a part is added.
//  4. Each direction changes its key after 65,536 records, and keys are gone
//     with the link: who learns the room's key later reads nothing that was
//     recorded but the first frame of each initiator (message 1 rests on the
//     room's key alone).
//  5. After the two first frames the link keeps the whole contract of
//     transport.Conn, as strictly as the link under it.
//
// # What the caller owes
//
//   - Each end sends a first frame of its own, MaxFirst bytes or less, whatever
//     it receives. Until then the other's Receive (the initiator's), or second
//     Send, waits.
//   - The responder changes nothing on the word of the first frame. A stranger
//     who recorded it can send it again: it opens, and proves nothing about who
//     is there now. Only from Confirmed on, which is the first record that
//     arrives, has the initiator shown that it holds keys made with ours.
//     Answering is safe.
//   - The key proves membership, not who of the members it is. Who has to know
//     signs Binding together with its role, in its first frame; the other end
//     verifies with PeerBinding. Both values are the handshake hash right
//     before the payload that carries the signature: they cover room, version,
//     key and both fresh keys as far as they were exchanged, and never repeat.
//   - A context with a deadline for Respond and for the first Receive: a
//     stranger may connect and stay silent.
//
// Sizes and times of frames show. Hiding them takes padding above this package.
//
// Sources: The Noise Protocol Framework, revision 34 (Perrin, 2018), sections 5,
// 9 and 11.3; the library is github.com/flynn/noise, and this package its only
// door.
package noise
