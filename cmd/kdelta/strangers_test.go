package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
)

// TestStrangersAtANode: who is no member gets nothing from a node but a refusal, and who holds its links and says nothing does
// not keep a member out.
func TestStrangersAtANode(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	command(t, nil, "--db", a, "set", "notes/1", `"for members"`)
	command(t, nil, "--db", b, "join", command(t, nil, "--db", a, "invite"))
	n := startNode(t, a)
	address := strings.TrimSuffix(strings.TrimPrefix(n.listening, "ws://"), syncPath)

	upgrade := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": ws.Subprotocol,
	}
	for _, c := range []struct {
		name, path, header, value string
		status                    int
	}{
		{"a page of the node", "/", "Upgrade", "", http.StatusNotFound},
		{"no websocket", syncPath, "Upgrade", "", http.StatusBadRequest},
		{"another subprotocol", syncPath, "Sec-WebSocket-Protocol", "graphql-ws", http.StatusBadRequest},
		{"a page elsewhere", syncPath, "Origin", "https://evil.example", http.StatusForbidden},
		{"a name that was pointed here", syncPath, "Host", "evil.example", http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range upgrade {
			request.Header.Set(name, value)
		}
		if c.header == "Host" {
			request.Host = c.value
		} else {
			request.Header.Set(c.header, c.value)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.name, answer.StatusCode, c.status)
		}
	}

	for _, room := range []noise.Room{{1}, {2}} {
		ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
		plain, err := new(ws.Dialer).Dial(ctx, n.listening)
		if err != nil {
			t.Fatal(err)
		}
		guess, err := noise.Initiate(plain, room, noise.Key{3})
		if err != nil {
			t.Fatal(err)
		}
		if err := guess.Send(ctx, []byte("let me in")); err != nil {
			t.Fatal(err)
		}
		if _, err := guess.Receive(ctx); !errors.Is(err, noise.ErrDenied) {
			t.Errorf("a key that was guessed: %v, want ErrDenied", err)
		}
		cancel()
		_ = guess.Close() // the node has
	}

	for range 40 {
		half, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = half.Close() }) // or the node has
		if _, err := half.Write([]byte("GET " + syncPath + " HTTP/1.1\r\nHost: local")); err != nil {
			t.Fatal(err)
		}
		silent, err := new(ws.Dialer).Dial(t.Context(), n.listening)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() })
	}
	if out := command(t, nil, "--db", b, "sync", n.listening); !strings.HasSuffix(out, "in sync") {
		t.Errorf("a member among them: %s", out)
	}
	var says nodeJSON
	for end := time.Now().Add(scriptPatience); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(a + nodeSuffix)
		if err == nil && json.Unmarshal(text, &says) == nil && len(says.Links) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the node counts strangers among its links: %+v", says.Links)
		}
	}
	n.terminate(t)
	if said := n.stderr.String(); strings.Count(said, "\n") > 5 {
		t.Errorf("strangers are news: %s", said)
	}
}
