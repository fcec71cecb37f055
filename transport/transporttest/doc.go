// Package transporttest proves that a transport keeps the contract of package
// transport. An implementation's test hands it a function that makes links:
//
//	func TestContract(t *testing.T) {
//		transporttest.TestConn(t, func(t *testing.T) (a, b transport.Conn) {
//			… one fresh link, what it needs besides closed by t.Cleanup …
//		})
//	}
//
// Every check runs on links of its own, both directions, and is bounded: a
// link that hangs fails with what it was waiting for. No check takes time to
// be right: a slow link is slow, not wrong. The one thing that only time can
// tell, that a sender waits, is asked so that a slow machine can hide a fault
// and never invent one.
//
// The checks, by the invariants of package transport:
//
//	Order            1     numbered frames of many sizes, both ways at once
//	Framing          2     empty, one byte, MaxFrame; above it ErrTooLarge, and the link goes on
//	Ownership              neither end sees what the other does with a frame later
//	Duplex                 both ends send more than the link holds while both receive
//	BackPressure     3     with nobody receiving, a sender waits before MaxUnreceived bytes
//	CancelReceive          a context that ends loses no frame
//	Deadline               a deadline ends as the context says, and loses no frame
//	CancelSend       4     a Send given up leaves whole frames in order
//	CloseFlushes     5, 6  what was sent before Close arrives, then ErrClosed for ever
//	CloseWakesHere         a waiting Send and Receive return when their own end is closed
//	CloseWakesThere        and when the other is
//	CloseTwice             from several goroutines, at both ends
//	CloseCrossing    5     what was sent arrives although the closer leaves much unread
//	CloseInTraffic   4     whole frames in order, then ErrClosed, at both ends
//	Leak                   no goroutine outlives its link
//
// TestListener does the same for a Listener and the Dialer that reaches it:
//
//	Reach                  Addr leads here, and frames pass both ways
//	AcceptCancel           an Accept given up loses no link
//	DialCancel             a Dial given up makes none; the context of one that succeeded is forgotten
//	CloseWakes             a waiting Accept returns ErrClosed, a later one too
//	CloseTwice             gives nil, and nobody is let in any more
//	LinksOutlive           accepted links live on, others are closed
//	ListenerLeak           no goroutine outlives it
package transporttest
