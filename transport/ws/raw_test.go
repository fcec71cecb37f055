//go:build !js

package ws_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/ws"
)

// Opcodes and flags of RFC 6455, section 5.2.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
	fin        = 0x80
	rsv1       = 0x40
)

// patience bounds what a test waits for; it decides nothing else.
const patience = 20 * time.Second

// peer speaks raw websocket frames, as a hostile client would.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// upgradeRequest asks for a link, with lines that replace or add to the usual.
func upgradeRequest(host string, lines ...string) string {
	headers := map[string]string{
		"Host":                   host,
		"Upgrade":                "websocket",
		"Connection":             "Upgrade",
		"Sec-WebSocket-Version":  "13",
		"Sec-WebSocket-Key":      "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": ws.Subprotocol,
	}
	method, extra := "GET", ""
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch _, usual := headers[name]; {
		case name == "Method":
			method = value
		case usual && value == "":
			delete(headers, name)
		case usual:
			headers[name] = value
		default:
			extra += line + "\r\n"
		}
	}
	request := method + " /sync HTTP/1.1\r\n"
	for name, value := range headers {
		request += name + ": " + value + "\r\n"
	}
	return request + extra + "\r\n"
}

// ask sends a raw request to a listener and returns the answer.
func ask(t testing.TB, l *ws.Listener, request string) (*peer, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.Addr(), "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(c, request)
	must(t, err)
	p := &peer{Conn: c, in: bufio.NewReader(c)}
	answer, err := http.ReadResponse(p.in, nil)
	must(t, err)
	return p, answer
}

// rawLink makes a link whose dialling end is raw.
func rawLink(t testing.TB, o ws.ListenOptions) (*peer, transport.Conn) {
	t.Helper()
	l := listen(t, o)
	p, answer := ask(t, l, upgradeRequest("localhost")) //nolint:bodyclose // an upgrade has no body
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", answer.StatusCode)
	}
	c, err := l.Accept(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return p, c
}

// frame makes a masked frame whose header claims size bytes.
func frame(first byte, size uint64, payload []byte) []byte {
	b := []byte{first}
	switch {
	case size < 126:
		b = append(b, 0x80|byte(size))
	case size <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(size))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), size)
	}
	mask := []byte{1, 2, 3, 4}
	b = append(b, mask...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

// whole makes a masked frame of a payload.
func whole(first byte, payload []byte) []byte { return frame(first, uint64(len(payload)), payload) }

// next reads one frame of the server's.
func (p *peer) next() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	switch size {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(p.in, b[:])
		size = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(p.in, b[:])
		size = binary.BigEndian.Uint64(b[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(p.in, payload)
	return head[0], payload, err
}

// closeCode reads until the server's close message, 0 if the connection ends
// without one.
func (p *peer) closeCode() (int, error) {
	for {
		first, payload, err := p.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return 0, nil
		case err != nil:
			return 0, err
		case first == fin|opClose && len(payload) >= 2:
			return int(binary.BigEndian.Uint16(payload)), nil
		}
	}
}

func closing(code uint16, reason string) []byte {
	return whole(fin|opClose, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repeated is n times b.
func repeated(b []byte, n int) []byte { return bytes.Repeat(b, n) }

func wantFrame(t testing.TB, c transport.Conn, want string) {
	t.Helper()
	got, err := c.Receive(t.Context())
	if err != nil || string(got) != want {
		t.Fatalf("Receive: got %.40q (%d bytes) and error %v, want %.40q", got, len(got), err, want)
	}
}

func describe(err error) string { return fmt.Sprintf("error %v", err) }

// acceptKey is what a server proves with that it understood (RFC 6455, section
// 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
