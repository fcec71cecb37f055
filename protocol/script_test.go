package protocol

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the conversations in testdata/*.txt really say, to be reviewed as a diff")

// TestConversations plays the scripts in testdata. A script is a list of blocks, each of commands, a line "----" and
// what they print, up to an empty line. Lines that start with # are comments. The commands:
//
//	replica A [space=S author=a instance=X wall=MS pack=N bug=TEXT]  a replica; pack is the versions in one pack;
//	                                  stay=yes wants sessions that stay
//	has A a1 a2 b1+a2 a3'<a2          A holds (or writes) these versions (see world)
//	refuses A a2 TEXT                 A finds a2 invalid
//	fails A METHOD                    that method of A's Local or feed fails from now on; "fails A nothing" mends it
//	pads A N                          the packs of A are N bytes longer than their versions
//	open A B                          a new session between A and B
//	step A                            everything that A has to say now goes under way
//	deliver A [N]                     the N oldest frames under way to A arrive, default all
//	run                               step and deliver by turns until nobody has more to say
//	drop A · repeat A · swap A        the oldest frame under way to A is lost · is there twice · comes second
//	inject A KIND FIELD…              a frame that the machine would not make goes under way to A, in front (see inject)
//	changed A · leave A               A's session is told that there may be something new · that A wants to end it
//	report                            what A and B say of it; their sessions are closed
//	sync A B                          open, run, report
//	cuts A B                          the link breaks after each number of frames; a second session follows
func TestConversations(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(text); got != want {
				t.Errorf("the conversation went another way; run with -rewrite and review the diff\n%s", firstDifference(got, want))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// play returns the script with what its commands print now.
func play(t *testing.T, text string) string {
	s := &stage{t: t, world: newWorld(), replicas: map[string]*fake{}}
	var out strings.Builder
	skipping := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case skipping && line != "":
			continue
		case line == "----":
			skipping = true
			out.WriteString("----\n" + s.out.String())
			s.out.Reset()
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			s.command(strings.Fields(line))
		}
		skipping = false
		out.WriteString(line + "\n")
	}
	s.closeAll()
	return out.String()
}

// stage is where a script plays.
type stage struct {
	t        *testing.T
	world    *world
	replicas map[string]*fake
	out      strings.Builder
	ends     []*endpoint
}

// endpoint is one side of the open session; way holds the frames under way to it.
type endpoint struct {
	*fake
	session *Session
	peer    *endpoint
	way     [][]byte
}

func (s *stage) printf(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *stage) replica(name string) *fake {
	f := s.replicas[name]
	if f == nil {
		s.t.Fatalf("the script has no replica %s", name)
	}
	return f
}

func (s *stage) end(name string) *endpoint {
	for _, e := range s.ends {
		if e.name == name {
			return e
		}
	}
	s.t.Fatalf("the script has no open session of %s", name)
	return nil
}

func (s *stage) command(words []string) {
	verb, args := words[0], words[1:]
	switch verb {
	case "replica":
		s.newReplica(args[0], args[1:])
	case "has":
		s.replica(args[0]).add(args[1:]...)
	case "refuses":
		s.replica(args[0]).refuses[args[1]] = strings.Join(args[2:], " ")
	case "fails":
		s.replica(args[0]).fails = args[1]
	case "pads":
		s.replica(args[0]).padding, _ = strconv.Atoi(args[1])
	case "open":
		s.open(s.replica(args[0]), s.replica(args[1]))
	case "step":
		s.step(s.end(args[0]))
	case "deliver":
		s.deliver(s.end(args[0]), args[1:])
	case "run":
		s.run()
	case "drop", "repeat", "swap":
		s.disturb(verb, s.end(args[0]))
	case "inject":
		s.inject(s.end(args[0]), args[1], args[2:])
	case "changed":
		s.end(args[0]).session.Changed()
	case "rest":
		s.end(args[0]).session.Rest()
	case "leave":
		s.end(args[0]).session.Leave()
	case "report":
		s.closeAll()
	case "sync":
		s.open(s.replica(args[0]), s.replica(args[1]))
		s.run()
		s.closeAll()
	case "cuts":
		s.cuts(s.replica(args[0]), s.replica(args[1]))
	default:
		s.t.Fatalf("unknown command %q", verb)
	}
}

func (s *stage) newReplica(name string, settings []string) {
	f := s.world.replica(name)
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		number, _ := strconv.ParseInt(value, 10, 64)
		switch key {
		case "space":
			f.space = s.world.space(value)
		case "author":
			f.author = value[0]
		case "instance":
			f.instance = value[0]
		case "wall":
			f.wall = number
		case "pack":
			f.perPack = int(number)
		case "bug":
			f.bug = value
		case "stay":
			f.stay = value == "yes"
		default:
			s.t.Fatalf("unknown setting %q", setting)
		}
	}
	s.replicas[name] = f
}

func (s *stage) open(a, b *fake) {
	x, y := &endpoint{fake: a, session: New(a)}, &endpoint{fake: b, session: New(b)}
	x.peer, y.peer = y, x
	s.ends = []*endpoint{x, y}
}

// step lets e say all that it has to say.
func (s *stage) step(e *endpoint) (said bool) {
	for {
		frame, err := e.session.Next()
		switch {
		case err != nil:
			s.printf("%s cannot: %v", e.name, err)
		case frame == nil:
			return said
		default:
			said = true
			s.printf("%s → %s %s (%d bytes)", e.name, e.peer.name, s.world.describe(frame), len(frame))
			e.peer.way = append(e.peer.way, frame)
		}
	}
}

func (s *stage) deliver(e *endpoint, args []string) (moved bool) {
	n := len(e.way)
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0])
	}
	for _, frame := range e.way[:n] {
		if err := e.session.Receive(frame); err != nil {
			s.printf("%s refuses it: %s: %v", e.name, sentinels(err), err)
		}
	}
	e.way = e.way[n:]
	return n > 0
}

func (s *stage) run() {
	for moving := true; moving; {
		moving = false
		for _, e := range s.ends {
			moving = s.step(e) || moving
		}
		for _, e := range s.ends {
			moving = s.deliver(e, nil) || moving
		}
	}
}

func (s *stage) disturb(how string, e *endpoint) {
	if len(e.way) == 0 {
		s.t.Fatalf("%s: nothing is under way to %s", how, e.name)
	}
	switch how {
	case "drop":
		e.way = e.way[1:]
	case "repeat":
		e.way = append([][]byte{e.way[0]}, e.way...)
	case "swap":
		e.way[0], e.way[1] = e.way[1], e.way[0]
	}
}

// inject puts a frame of its own in front of what is under way to e.
//
//	hex BYTES · version N · again (the peer's hello) · space S · have · pack WORD… · end PACKS · ack PACKS END · bye REASON TEXT
func (s *stage) inject(e *endpoint, what string, args []string) {
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(args[i], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	var frame []byte
	switch what {
	case "hex":
		raw, err := hex.DecodeString(strings.Join(args, ""))
		if err != nil {
			s.t.Fatal(err)
		}
		frame = raw
	case "version":
		frame = hello{version: number(0)}.encode()
	case "space":
		frame = hello{space: s.world.space(args[0]), author: authorKey('z').Author()}.encode()
	case "have":
		frame = have{last: true}.encode()
	case "pack":
		frame = Pack{Bytes: []byte(strings.Join(args, " "))}.encode()
	case "end":
		frame = end{packs: number(0)}.encode()
	case "ack":
		frame = ack{packs: number(0), end: args[1] == "true"}.encode()
	case "bye":
		text, err := strconv.Unquote(strings.Join(args[1:], " "))
		if err != nil {
			s.t.Fatal(err)
		}
		frame = bye{reason: Reason(number(0)), text: text}.encode()
	default:
		s.t.Fatalf("inject cannot make %q", what)
	}
	e.way = append([][]byte{frame}, e.way...)
	s.printf("%s ⇐ injected %s (%d bytes)", e.name, s.world.describe(frame), len(frame))
}

func (s *stage) closeAll() {
	for _, e := range s.ends {
		before := e.session.Report().Err
		err := e.session.Close()
		if before != nil && err != before {
			s.t.Errorf("%s: Close changed the outcome from %v to %v", e.name, before, err)
		}
		if e.openFeeds != 0 {
			s.t.Errorf("%s: %d feeds are open after Close", e.name, e.openFeeds)
		}
		s.printf("%s", s.world.summary(e.fake, e.session.Report()))
	}
	s.ends = nil
}

// cuts breaks the link after each number of delivered frames and lets a second session finish the work.
func (s *stage) cuts(a, b *fake) {
	for n := 0; ; n++ {
		x, y := a.clone(), b.clone()
		w := newWire(s.t, x, y)
		if err := w.play(n); err != nil {
			s.t.Error(err)
		}
		_, more := w.due()
		w.close()
		first := fmt.Sprintf("cut after %d frames: A holds %s; B holds %s", n, x.held(), y.held())
		left, right := syncOnce(s.t, x, y)
		s.printf("%s", first)
		s.printf("   resumed: %d + %d versions in %d + %d frames, %d duplicates; A %s, B %s; both hold %s",
			left.Sent.Versions, right.Sent.Versions, left.Sent.Frames, right.Sent.Frames,
			left.Duplicates+right.Duplicates, left.State, right.State, x.held())
		if x.held() != y.held() {
			s.t.Errorf("cut after %d frames: B ends with %s", n, y.held())
		}
		if !more {
			return
		}
	}
}
