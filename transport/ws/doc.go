// Package ws is the link over a websocket: what reaches a relay or another
// node through proxies and firewalls, and all that a web page can open.
//
// # Model
//
// A link is one websocket. A transport frame is one binary message, byte for
// byte; there is no header of ours and no handshake beyond HTTP's, so the
// browser's own WebSocket is a full peer. Text messages have no meaning and end
// the link. Compression is never offered and never accepted: frames are packed
// or encrypted above, and a small message that unfolds into gigabytes has no
// place here.
//
//	 Dialer ──GET, Upgrade: websocket──▶ Handler       Host? Origin? MaxLinks?
//	        ◀── 101, or a status ───────               403, 503 …
//
//	Send ─▶ one message ─▶ kernel ─ TCP ─ kernel ─▶ reader ─▶ inbox ─▶ Receive
//	                                                 │
//	                         keeper: ping, pong, close ◀┘
//
// Natively a link has two goroutines. The reader moves messages into a bounded
// inbox and rests while that is full, so a slow receiver slows its sender down
// through TCP. The keeper pings, answers pings, and sees the end through. Send
// writes in the caller's goroutine. Both goroutines are gone soon after the
// link has ended, at the latest five seconds after Close.
//
// # Invariants
//
//  1. What comes from the other end is bounded before it is stored: a message
//     by its declared length, an answer to a handshake by 64 KiB, the inbox by
//     two frames' bytes. Memory grows with bytes that arrived, never with
//     lengths that were claimed.
//  2. What carries no frame is bounded too: pings, pongs and empty fragments
//     come out of a budget of bytes that each whole frame and each of our own
//     pings renews. Who exceeds it is cut off (ErrFlood).
//  3. Silence ends a link. Each end pings three times within Deadlines.Idle;
//     from whom nothing at all came for that long is gone (ErrIdle). An end
//     that takes nothing for Deadlines.Stall while we write is gone too
//     (ErrStalled).
//  4. A web page opens a link to a node only from an origin that the node knows,
//     and only by a host name that it knows (Options).
//  5. No secret travels in the clear by mistake: ws:// to another machine and a
//     plain listener off loopback are refused (ErrPlain) unless asked for.
//
// # How a link ends
//
// An end that closes writes a close message with a code and waits for the
// other's, five seconds at most; then the connection goes. Every error after
// that wraps transport.ErrClosed, and beside it the cause where there is one:
// what this package names, or CloseError with the code that the other end gave.
//
//	1000 done, 1001 going away      transport.ErrClosed alone
//	1002 not a websocket message    ErrProtocol
//	1003 a text message             ErrProtocol
//	1008 a flood                    ErrFlood
//	1009 above transport.MaxFrame   transport.ErrTooLarge
//	1013 no room, try again later   CloseError at who dialled
//
// # In a browser
//
// Built for js/wasm the package has the Dialer alone, over the page's own
// WebSocket, with the same contract but for what a page cannot do:
//
//   - It cannot slow a sender down: browsers read on behalf of the page. So the
//     inbox has a hard bound there, 16 MiB or 16,384 frames, and a link that
//     exceeds it is closed (ErrStalled) rather than left to eat the page's
//     memory. Sessions bound what is under way by their acks, far below that.
//   - It cannot ping, and learns that the other end is gone when the browser
//     does. It answers pings, so the other end's Idle holds.
//   - It cannot close with any code but 1000 and those from 4000 on: its codes
//     are those of the table plus 3000.
package ws
