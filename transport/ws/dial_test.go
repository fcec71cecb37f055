//go:build !js

package ws_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/transporttest"
	"github.com/kdelta/kdelta/transport/ws"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		addr string
		want error
	}{
		{"", ws.ErrAddress},
		{"relay.example", ws.ErrAddress},
		{"http://127.0.0.1/", ws.ErrAddress},
		{"file:///etc/passwd", ws.ErrAddress},
		{"ws:///sync", ws.ErrAddress},
		{"ws://", ws.ErrAddress},
		{"ws://user:secret@localhost/", ws.ErrAddress},
		{"ws://user@localhost/", ws.ErrAddress},
		{"ws://localhost/#room", ws.ErrAddress},
		{"ws://local host/", ws.ErrAddress},
		{"ws://localhost:port/", ws.ErrAddress},
		{"ws://relay.example/", ws.ErrPlain},
		{"ws://192.0.2.1/", ws.ErrPlain},
		{"ws://127.0.0.1.nip.io/", ws.ErrPlain},
		{"ws://localhost.example/", ws.ErrPlain},
		{"ws://[2001:db8::1]/", ws.ErrPlain},
	} {
		_, err := new(ws.Dialer).Dial(t.Context(), c.addr)
		if !errors.Is(err, c.want) {
			t.Errorf("Dial(%q): got error %v, want %v", c.addr, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%q) shows the password: %v", c.addr, err)
		}
	}
}

// certificate is one that names 127.0.0.1, and the pool that trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server.TLS.Certificates[0], pool
}

// The whole contract, encrypted.
func TestContractTLS(t *testing.T) {
	own, pool := certificate(t)
	transporttest.TestConn(t, func(t *testing.T) (a, b transport.Conn) {
		l := listen(t, ws.ListenOptions{TLS: &tls.Config{Certificates: []tls.Certificate{own}}})
		return pair(t, l, &ws.Dialer{TLS: &tls.Config{RootCAs: pool}})
	})
}

func TestTLSIsVerified(t *testing.T) {
	own, _ := certificate(t)
	l := listen(t, ws.ListenOptions{TLS: &tls.Config{Certificates: []tls.Certificate{own}}})
	_, err := new(ws.Dialer).Dial(t.Context(), l.Addr())
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("a certificate of an unknown authority: got error %v", err)
	}
}

// server answers one raw connection with what it is given.
func server(t *testing.T, answer func(c net.Conn, r *http.Request)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		must(t, l.Close())
		<-done
	})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			answer(c, r)
		}
	}()
	return "ws://" + l.Addr().String() + "/sync"
}

// upgraded is the answer that makes a link, with more lines.
func upgraded(r *http.Request, lines ...string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + acceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n" +
		strings.Join(append(lines, "", ""), "\r\n")
}

// Whatever answers a Dialer, it gets no link out of it, and no more than a
// bounded part of it is read.
func TestHostileServers(t *testing.T) {
	protocol := "Sec-WebSocket-Protocol: " + ws.Subprotocol
	say := func(text string) func(net.Conn, *http.Request) {
		return func(c net.Conn, _ *http.Request) { _, _ = io.WriteString(c, text) }
	}
	for _, c := range []struct {
		name   string
		answer func(c net.Conn, r *http.Request)
		want   error
		text   string
	}{
		{"a page", say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), ws.ErrRefused, "200"},
		{"no", say("HTTP/1.1 403 Forbidden\r\nContent-Length: 16\r\n\r\nnot \x1b[31mto you\n"), ws.ErrRefused, "403 Forbidden: not ?[31mto you"},
		{"a page for a browser", say("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>"), ws.ErrRefused, "404 Not Found"},
		{"a redirect is not followed", say("HTTP/1.1 302 Found\r\nLocation: ws://evil.example/\r\n\r\n"), ws.ErrRefused, "302"},
		{"not HTTP", say("SSH-2.0-OpenSSH_9.9\r\n"), nil, ""},
		{"nothing", say(""), nil, ""},
		{"another's key", say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"), ws.ErrRefused, ""},
		{"no subprotocol", func(c net.Conn, r *http.Request) { _, _ = io.WriteString(c, upgraded(r)) }, ws.ErrRefused, ws.Subprotocol},
		{"compression unasked", func(c net.Conn, r *http.Request) {
			_, _ = io.WriteString(c, upgraded(r, protocol, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"))
		}, ws.ErrRefused, "extensions"},
		{"headers without end", func(c net.Conn, _ *http.Request) {
			_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n")
			for err == nil {
				_, err = io.WriteString(c, "X: "+strings.Repeat("x", 1000)+"\r\n")
			}
		}, ws.ErrFlood, ""},
		{"a line without end", func(c net.Conn, _ *http.Request) {
			_, err := io.WriteString(c, "HTTP/1.1 ")
			for err == nil {
				_, err = io.WriteString(c, strings.Repeat("x", 1000))
			}
		}, ws.ErrFlood, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			link, err := new(ws.Dialer).Dial(t.Context(), server(t, c.answer))
			if err == nil {
				t.Fatal(errors.Join(errors.New("it became a link"), link.Close()))
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("got error %v, want one that says %q", err, c.text)
			}
			if strings.Contains(err.Error(), "<html>") {
				t.Errorf("got error %v, which shows a page", err)
			}
		})
	}
}

// Frames right behind the answer are not lost.
func TestFrameBehindTheAnswer(t *testing.T) {
	addr := server(t, func(c net.Conn, r *http.Request) {
		_, _ = io.WriteString(c, upgraded(r, "Sec-WebSocket-Protocol: "+ws.Subprotocol)+"\x82\x05hello")
		_, _ = c.Read(make([]byte, 1)) // until the link is closed
	})
	link, err := new(ws.Dialer).Dial(t.Context(), addr)
	must(t, err)
	wantFrame(t, link, "hello")
	must(t, link.Close())
}

// A server that does not answer costs a Dialer its deadline, or the caller's.
func TestSilentServer(t *testing.T) {
	silent := func(c net.Conn, _ *http.Request) { _, _ = io.Copy(io.Discard, c) }
	d := ws.Dialer{Deadlines: ws.Deadlines{Handshake: 50 * time.Millisecond}}
	if _, err := d.Dial(t.Context(), server(t, silent)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: got error %v, want a deadline", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	addr := server(t, func(c net.Conn, r *http.Request) {
		cancel()
		silent(c, r)
	})
	if _, err := new(ws.Dialer).Dial(ctx, addr); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer and a context that ends: got error %v, want context.Canceled", err)
	}
}

// TestNobodyListens says once that nobody could be reached, and where.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = new(ws.Dialer).Dial(t.Context(), "ws://"+addr+"/sync")
	if err == nil || strings.Count(err.Error(), "dial") != 1 || !strings.Contains(err.Error(), addr) {
		t.Errorf("%v, want one dial of %s", err, addr)
	}
}
