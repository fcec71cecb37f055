package replica_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
)

// listener takes what is said of the moment, until the test ends.
func listener(t *testing.T, r *replica.Replica) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	heard := make(chan string, 100)
	said := r.Presences(ctx)
	go func() {
		for p, err := range said {
			if err != nil {
				return
			}
			heard <- fmt.Sprintf("%s: %s", p.Author, p.Body)
		}
	}()
	return heard
}

// TestPresences: what is said of the moment goes over all links, in a ring too, is heard once by everybody else, and is stored
// nowhere.
func TestPresences(t *testing.T) {
	replicas, _ := newSpace(t, 4)
	ctx := t.Context()
	v := wrote(t)(replicas[0].Set(ctx, "a/1", 1))
	for i := range replicas {
		next := replicas[(i+1)%len(replicas)]
		came := arrives(t, next, "a/1", "1")
		linked(t, replicas[i], next)
		if i < len(replicas)-1 {
			came()
		}
	}
	var heard []<-chan string
	for _, r := range replicas {
		heard = append(heard, listener(t, r))
	}
	before := statusOf(t, replicas[3])
	if err := replicas[0].Present(ctx, []byte("first")); err != nil {
		t.Fatal(err)
	}
	for _, r := range heard[1:] {
		if got := <-r; got != v.Author.String()+": first" {
			t.Errorf("heard %q", got)
		}
	}
	// Whoever had heard something twice, or what it said itself, would hear that before this.
	if err := replicas[2].Present(ctx, []byte("second")); err != nil {
		t.Fatal(err)
	}
	for i, r := range heard {
		if i == 2 {
			continue
		}
		if got := <-r; got != v.Author.String()+": second" && got != "aaaaaaaa: second" {
			t.Errorf("replica %d heard %q", i, got)
		}
	}
	if len(heard[2]) > 0 {
		t.Errorf("replica 2 heard itself: %q", <-heard[2])
	}
	if now := statusOf(t, replicas[3]); now.Versions != before.Versions {
		t.Errorf("%d versions were %d", now.Versions, before.Versions)
	}
	if err := replicas[0].Present(ctx, make([]byte, protocol.MaxPresence+1)); !errors.Is(err, replica.ErrPresence) {
		t.Error(err)
	}
}
