package replica

import (
	"io"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
)

// Options say what a replica cannot know by itself. The zero Options are enough.
type Options struct {
	// Wall is the source of wall time; nil means the system's clock.
	Wall clock.Wall
	// Rand is the source of randomness for keys and nonces; nil means crypto/rand.
	Rand io.Reader
	// Strategies are the application's own merge strategies, beside the built-in ones. They are asked in the middle of a write, one at a
	// time, so they must not write to the replica: that is ErrNested. Nor must they wait for somebody who does.
	Strategies []crdt.Strategy
	// Logger hears of what a person running the application might want to know, as a *slog.Logger; nil means silence.
	// What holds for Strategies holds for it.
	Logger Logger
	// Typing says when what was typed into a Text, or done to an Array, becomes a version by itself.
	Typing Typing
	// ManualCompaction leaves it to Compact to pack old versions. Otherwise they are packed when nothing has been written for a
	// while, and some when the replica is closed; but not in a browser. The same goes for bytes of what others have erased that
	// are left in the store's files.
	ManualCompaction bool
}

// Logger is what a replica asks of a *slog.Logger: args are pairs of names and values. It is an interface so that the
// browser module need not carry a logging library.
type Logger interface {
	Warn(msg string, args ...any)
}

// silence is the Logger of a replica that was given none.
type silence struct{}

func (silence) Warn(string, ...any) {}

// A WriteOption changes how one write is made.
type WriteOption func(*writeOptions)

type writeOptions struct {
	message   string
	from      *Version
	ifVersion *Version
}

// Message attaches a message to the version.
func Message(text string) WriteOption { return func(o *writeOptions) { o.message = text } }

// From says which version the writer had read. In a namespace under `fields`, Set then writes what differs from that,
// and not what others have changed meanwhile.
func From(v Version) WriteOption { return func(o *writeOptions) { o.from = &v } }

// IfVersion makes the write a compare-and-set: it fails with ErrVersionMismatch unless the key is still as it was when
// v was read. The zero Version means: only if the key has no visible value.
func IfVersion(v Version) WriteOption { return func(o *writeOptions) { o.ifVersion = &v } }

// A ListOption narrows List.
type ListOption func(*listOptions)

type listOptions struct {
	after string
	limit int
}

// After continues a listing behind the given key.
func After(key string) ListOption { return func(o *listOptions) { o.after = key } }

// Limit ends a listing after n rows; 0 means no limit.
func Limit(n int) ListOption { return func(o *listOptions) { o.limit = n } }
