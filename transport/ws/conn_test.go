//go:build !js

package ws_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/transporttest"
	"github.com/kdelta/kdelta/transport/ws"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t testing.TB, o ws.ListenOptions) *ws.Listener {
	t.Helper()
	l, err := ws.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func pair(t testing.TB, l *ws.Listener, d *ws.Dialer) (a, b transport.Conn) {
	t.Helper()
	a, err := d.Dial(t.Context(), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	b, err = l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestContract(t *testing.T) {
	transporttest.TestConn(t, func(t *testing.T) (a, b transport.Conn) {
		return pair(t, listen(t, ws.ListenOptions{}), &ws.Dialer{})
	})
}

func TestListenerContract(t *testing.T) {
	transporttest.TestListener(t, func(t *testing.T) (transport.Listener, transport.Dialer) {
		return listen(t, ws.ListenOptions{}), &ws.Dialer{}
	})
}
