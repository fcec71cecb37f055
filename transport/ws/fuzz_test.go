//go:build !js

package ws_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/ws"
)

// script is a connection that says what it was given and then ends.
type script struct {
	io.Reader
	deaf
}

// deaf is the rest of a connection: it takes everything.
type deaf struct{}

func (deaf) Write(p []byte) (int, error)      { return len(p), nil }
func (deaf) Close() error                     { return nil }
func (deaf) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (deaf) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (deaf) SetDeadline(time.Time) error      { return nil }
func (deaf) SetReadDeadline(time.Time) error  { return nil }
func (deaf) SetWriteDeadline(time.Time) error { return nil }

// hijackable lets a handler take the script over.
type hijackable struct {
	*httptest.ResponseRecorder
	c net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.c, bufio.NewReadWriter(bufio.NewReader(h.c), bufio.NewWriter(h.c)), nil
}

// played makes a link whose dialling end says what said holds.
func played(t interface{ Fatal(...any) }, said []byte) transport.Conn {
	return over(t, &script{Reader: bytes.NewReader(said)})
}

// over makes a link over a connection.
func over(t interface{ Fatal(...any) }, c net.Conn) transport.Conn {
	request := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	for name, value := range map[string]string{
		"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": ws.Subprotocol,
	} {
		request.Header.Set(name, value)
	}
	var link transport.Conn
	h := ws.NewHandler(func(c transport.Conn, _ *http.Request) { link = c }, ws.Options{})
	h.ServeHTTP(hijackable{httptest.NewRecorder(), c}, request)
	if link == nil {
		t.Fatal("no link")
	}
	return link
}

// closer is a script that tells how much nobody had read when it was closed.
type closer struct {
	script
	said   *bytes.Reader
	unread chan int
}

func (c *closer) Close() error {
	select {
	case c.unread <- c.said.Len():
	default: // only the first Close counts
	}
	return nil
}

// A connection closed over unread bytes is reset, and the close message may be
// lost with it: so what a peer says after its fault is read before the end.
func TestFaultIsReadToTheEnd(t *testing.T) {
	said := bytes.NewReader(append(frame(fin|opBinary, transport.MaxFrame+1, nil), make([]byte, 1<<20)...))
	c := &closer{script: script{Reader: said}, said: said, unread: make(chan int, 1)}
	if _, err := receiveAll(t.Context(), over(t, c)); !errors.Is(err, transport.ErrTooLarge) {
		t.Fatalf("got error %v, want ErrTooLarge", err)
	}
	if unread := <-c.unread; unread != 0 {
		t.Errorf("the connection was closed over %d unread bytes", unread)
	}
}

// receiveAll receives to the end of a link.
func receiveAll(ctx context.Context, link transport.Conn) (frames [][]byte, err error) {
	for {
		frame, err := link.Receive(ctx)
		if err != nil {
			return frames, errors.Join(err, link.Close())
		}
		frames = append(frames, frame)
	}
}

// FuzzPeer: whatever bytes follow the handshake, the link ends with ErrClosed
// and has given no more than came.
func FuzzPeer(f *testing.F) {
	f.Add(whole(fin|opBinary, []byte("hello")))
	f.Add(whole(fin|opText, []byte("hello")))
	f.Add(append(whole(opBinary, []byte("a")), whole(fin|opContinue, []byte("b"))...))
	f.Add(append(whole(fin|opPing, []byte("p")), closing(1000, "done")...))
	f.Add(closing(4999, "\xc3\x28"))
	f.Add(frame(fin|opBinary, 1<<63, nil))
	f.Fuzz(func(t *testing.T, said []byte) {
		frames, err := receiveAll(t.Context(), played(t, said))
		if !errors.Is(err, transport.ErrClosed) {
			t.Fatalf("the link ended with %v, want ErrClosed", err)
		}
		total := 0
		for _, frame := range frames {
			total += len(frame)
		}
		if total > len(said) {
			t.Fatalf("%d bytes came out of %d", total, len(said))
		}
	})
}

// However a peer cuts its messages and whatever it says in between, the frames
// are the messages.
func TestAnyFragmentation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var said []byte
		var want [][]byte
		control := func() {
			switch rapid.IntRange(0, 5).Draw(t, "control") {
			case 0:
				said = append(said, whole(fin|opPing, rapid.SliceOfN(rapid.Byte(), 0, 125).Draw(t, "ping"))...)
			case 1:
				said = append(said, whole(fin|opPong, rapid.SliceOfN(rapid.Byte(), 0, 125).Draw(t, "pong"))...)
			}
		}
		for range rapid.IntRange(0, 6).Draw(t, "messages") {
			message := bytes.Repeat([]byte{byte(len(want) + 1)}, rapid.IntRange(0, 70_000).Draw(t, "size"))
			want = append(want, message)
			for opcode, last := byte(opBinary), false; !last; opcode = opContinue {
				control()
				n := rapid.IntRange(0, len(message)).Draw(t, "cut")
				last = n == len(message)
				flag := byte(0)
				if last {
					flag = fin
				}
				said = append(said, whole(flag|opcode, message[:n])...)
				message = message[n:]
			}
		}
		control()
		frames, err := receiveAll(context.Background(), played(t, append(said, closing(1000, "")...)))
		if err.Error() != transport.ErrClosed.Error() {
			t.Fatalf("the link ended with %v, want ErrClosed alone", err)
		}
		if len(frames) != len(want) {
			t.Fatalf("%d frames of %d arrived", len(frames), len(want))
		}
		for i := range want {
			if !bytes.Equal(frames[i], want[i]) {
				t.Fatalf("frame %d: got %d bytes, want %d", i, len(frames[i]), len(want[i]))
			}
		}
	})
}
