package pipe_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
	"github.com/kdelta/kdelta/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.TestConn(t, func(*testing.T) (a, b transport.Conn) { return pipe.New() })
}

// The bounds are exact, and one Receive makes room for one Send.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name      string
		size, fit int
	}{
		{"empty frames", 0, pipe.MaxFrames},
		{"small frames", 100, pipe.MaxFrames},
		{"frames that fill it to the byte", pipe.MaxBytes / 8, 8},
		{"frames that leave a rest", pipe.MaxBytes/8 + 1, 7},
		{"largest frames", transport.MaxFrame, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New()
				sent := 0
				go func() {
					for a.Send(t.Context(), make([]byte, c.size)) == nil {
						sent++
					}
				}()
				for received := range 3 {
					synctest.Wait()
					if want := c.fit + received; sent != want {
						t.Fatalf("after %d Receives %d Sends returned, want %d", received, sent, want)
					}
					if _, err := b.Receive(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			})
		})
	}
}

// Where the contract leaves a choice the pipe is strict: what Send refused was
// not sent, and the link goes on.
func TestSendGivenUpSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New()
		for i := range pipe.MaxFrames {
			if err := a.Send(t.Context(), []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- a.Send(ctx, []byte("given up")) }()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Fatalf("Send given up: got error %v, want context.Canceled", err)
		}
		go func() { result <- a.Send(t.Context(), []byte("next")) }()
		for i := range pipe.MaxFrames {
			frame, err := b.Receive(t.Context())
			if err != nil || len(frame) != 1 || frame[0] != byte(i) {
				t.Fatalf("Receive: got %q and error %v, want frame %d", frame, err, i)
			}
		}
		if frame, err := b.Receive(t.Context()); err != nil || string(frame) != "next" {
			t.Fatalf("Receive: got %q and error %v, want the frame after the one given up", frame, err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	})
}

// Each end still receives what the other had sent, whichever end closes.
func TestCloseLosesNothing(t *testing.T) {
	a, b := pipe.New()
	ends := []transport.Conn{a, b}
	for _, end := range ends {
		if err := end.Send(t.Context(), []byte("last word")); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		if frame, err := end.Receive(t.Context()); err != nil || string(frame) != "last word" {
			t.Errorf("Receive after Close: got %q and error %v", frame, err)
		}
		if _, err := end.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("Receive after the last frame: got error %v, want ErrClosed", err)
		}
	}
}
