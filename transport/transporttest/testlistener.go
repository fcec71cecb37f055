package transporttest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/transport"
)

// TestListener proves that the listeners made by listen, and the dialers that
// come with them, keep the contract of transport.Listener and
// transport.Dialer, each check as a subtest. The check closes the listener;
// what else listen started is closed by t.Cleanup of the t it was given.
func TestListener(t *testing.T, listen func(t *testing.T) (transport.Listener, transport.Dialer)) {
	t.Helper()
	for _, c := range listenerChecks {
		t.Run(c.name, func(t *testing.T) {
			l, d := listen(t)
			if err := c.run(t.Context(), l, d); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("ListenerLeak", func(t *testing.T) {
		leavesNothing(t, func(t *testing.T) {
			l, d := listen(t)
			if err := checkLinksOutlive(t.Context(), l, d); err != nil {
				t.Error(err)
			}
		})
	})
}

// listenerCheck is one promise, tried on a fresh listener: nil if kept.
type listenerCheck struct {
	name string
	fn   func(ctx context.Context, l transport.Listener, d transport.Dialer) error
}

var listenerChecks = []listenerCheck{
	{"Reach", checkReach},
	{"AcceptCancel", checkAcceptCancel},
	{"DialCancel", checkDialCancel},
	{"CloseWakes", checkCloseWakesAccept},
	{"CloseTwice", checkListenerCloseTwice},
	{"LinksOutlive", checkLinksOutlive},
}

// run tries the check within patience and closes the listener after it.
func (c listenerCheck) run(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return errors.Join(c.fn(ctx, l, d), l.Close())
}

// connect makes a link through both.
func connect(ctx context.Context, l transport.Listener, d transport.Dialer) (here, there transport.Conn, err error) {
	err = together(
		ctx,
		func(ctx context.Context) (err error) {
			there, err = l.Accept(ctx)
			return err
		},
		func(ctx context.Context) (err error) {
			here, err = d.Dial(ctx, l.Addr())
			return err
		},
	)
	if err != nil {
		return nil, nil, fmt.Errorf("making a link to %s: %w", l.Addr(), err)
	}
	return here, there, nil
}

// passes sends one frame each way.
func passes(ctx context.Context, here, there transport.Conn) error {
	for i, way := range [][2]transport.Conn{{here, there}, {there, here}} {
		if err := way[0].Send(ctx, sized(i)); err != nil {
			return fmt.Errorf("Send over a link that lives: %w", err)
		}
		if err := expect(ctx, way[1], sized(i), "a frame over a link that lives"); err != nil {
			return err
		}
	}
	return nil
}

func checkReach(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	for range 3 {
		here, there, err := connect(ctx, l, d)
		if err != nil {
			return err
		}
		if err := errors.Join(passes(ctx, here, there), here.Close(), there.Close()); err != nil {
			return err
		}
	}
	return nil
}

func checkAcceptCancel(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	for range 20 {
		here, err := d.Dial(ctx, l.Addr())
		if err != nil {
			return fmt.Errorf("Dial: %w", err)
		}
		_, err = l.Accept(over)
		if err := expectError("Accept with a context that is over", err, context.Canceled); err != nil {
			return err
		}
		// The context ends while Accept may wait or just take the link.
		ending, cancel := context.WithCancel(ctx)
		go cancel()
		there, err := l.Accept(ending)
		if errors.Is(err, context.Canceled) {
			there, err = l.Accept(ctx)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("Accept after one given up: %w", err)
		}
		if err := errors.Join(passes(ctx, here, there), here.Close(), there.Close()); err != nil {
			return err
		}
	}
	return nil
}

func checkDialCancel(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := d.Dial(over, l.Addr())
	if err := expectError("Dial with a context that is over", err, context.Canceled); err != nil {
		return err
	}
	making, cancel := context.WithCancel(ctx)
	here, err := d.Dial(making, l.Addr())
	cancel()
	if err != nil {
		return fmt.Errorf("Dial: %w", err)
	}
	there, err := l.Accept(ctx)
	if err != nil {
		return fmt.Errorf("Accept: %w", err)
	}
	return errors.Join(passes(ctx, here, there), here.Close(), there.Close())
}

func checkCloseWakesAccept(ctx context.Context, l transport.Listener, _ transport.Dialer) error {
	started := make(chan struct{})
	return together(
		ctx,
		func(ctx context.Context) error {
			close(started)
			for range 2 {
				_, err := l.Accept(ctx)
				if err := expectError("Accept while the listener is closed", err, transport.ErrClosed); err != nil {
					return err
				}
			}
			return nil
		},
		func(context.Context) error {
			<-started
			return l.Close()
		},
	)
}

func checkListenerCloseTwice(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	closes := func(context.Context) error { return errors.Join(l.Close(), l.Close()) }
	if err := together(ctx, closes, closes); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	if c, err := d.Dial(ctx, l.Addr()); err == nil {
		return errors.Join(errors.New("a closed listener let a link in"), c.Close())
	}
	return nil
}

func checkLinksOutlive(ctx context.Context, l transport.Listener, d transport.Dialer) error {
	here, there, err := connect(ctx, l, d)
	if err != nil {
		return err
	}
	waiting, err := d.Dial(ctx, l.Addr())
	if err != nil {
		return fmt.Errorf("Dial of a link that nobody accepts: %w", err)
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	if err := expectClosed(ctx, waiting, "on a link that nobody accepted before its listener was closed"); err != nil {
		return err
	}
	return errors.Join(passes(ctx, here, there), waiting.Close(), here.Close(), there.Close())
}
