package noise

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/transport/pipe"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of the cacophony project for our handshake, as flynn/noise
// carries them. They say that the suite is the one in the name, and hold the
// hash before each payload to the one after it.
func TestVectors(t *testing.T) {
	const (
		initSeed = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
		respSeed = "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
		key      = "2176657279736563726574766572797365637265747665727973656372657421"
	)
	for _, v := range []struct {
		prologue         string
		payload, message [2]string
		transport        [2]string
	}{
		{
			"",
			[2]string{"", ""},
			[2]string{
				"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254e7136508cb8178281204abd62e9f2a3e",
				"64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466922f3b7824001193c077abd8b7a73030",
			},
			[2]string{
				"b349a522c145762c7c737ac1d1425ce1fb25c7cca626177ee4ceed3cd6fb3d",
				"b41e24399dc3f1ad2faf82868700e4bf31bb89f6616e1d6a92802bb8ad80d6",
			},
		},
		{
			"6e6f74736563726574",
			[2]string{"746573745f6d73675f30", "746573745f6d73675f31"},
			[2]string{
				"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662547c78f22f8cea986f934ab17c2484a24a990a6473d588a4f20e99",
				"64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484666913ea64c74c2f63ee5e32a5358320d459322d624c9ccc975fa0",
			},
			[2]string{
				"b349a522c145762c7c737ac1d1425ce1fb25c7cca626177ee4ceed3cd6fb3d",
				"b41e24399dc3f1ad2faf82868700e4bf31bb89f6616e1d6a92802bb8ad80d6",
			},
		},
	} {
		i, err := newHandshake(true, unhex(t, v.prologue), Key(unhex(t, key)), bytes.NewReader(unhex(t, initSeed)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := newHandshake(false, unhex(t, v.prologue), Key(unhex(t, key)), bytes.NewReader(unhex(t, respSeed)))
		if err != nil {
			t.Fatal(err)
		}
		before := i.beforeFirst(i.own.public())
		first, _, _, err := i.state.WriteMessage(nil, unhex(t, v.payload[0]))
		if err != nil || hex.EncodeToString(first) != v.message[0] {
			t.Fatalf("message 1: got %x and error %v, want %s", first, err, v.message[0])
		}
		if got := mix(before[:], first[publicLen:]); !bytes.Equal(got[:], i.state.ChannelBinding()) {
			t.Errorf("the hash before payload 1 does not lead to the one after it")
		}
		if before != r.beforeFirst(first[:publicLen]) {
			t.Errorf("the ends disagree on the hash before payload 1")
		}
		if _, _, _, err := r.state.ReadMessage(nil, first); err != nil {
			t.Fatal(err)
		}
		before = r.beforeSecond(r.own.public())
		if before != i.beforeSecond(r.own.public()) {
			t.Errorf("the ends disagree on the hash before payload 2")
		}
		second, toR, toI, err := r.state.WriteMessage(nil, unhex(t, v.payload[1]))
		if err != nil || hex.EncodeToString(second) != v.message[1] {
			t.Fatalf("message 2: got %x and error %v, want %s", second, err, v.message[1])
		}
		if got := mix(before[:], second[publicLen:]); !bytes.Equal(got[:], r.state.ChannelBinding()) {
			t.Errorf("the hash before payload 2 does not lead to the one after it")
		}
		for n, want := range v.transport {
			direction, text := toR, "yellowsubmarine"
			if n == 1 {
				direction, text = toI, "submarineyellow"
			}
			if got, err := direction.Encrypt(nil, nil, []byte(text)); err != nil || hex.EncodeToString(got) != want {
				t.Errorf("transport message %d: got %x and error %v, want %s", n, got, err, want)
			}
		}
	}
}

// Whatever key, prologue and payloads: the hash that is told before a payload
// is the one that the library goes on from.
func TestHashBeforePayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		clear := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "prologue")
		seed := func(name string) *bytes.Reader {
			return bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
		}
		h, err := newHandshake(true, clear, key, seed("fresh"))
		if err != nil {
			t.Fatal(err)
		}
		before := h.beforeFirst(h.own.public())
		message, _, _, err := h.state.WriteMessage(nil, rapid.SliceOf(rapid.Byte()).Draw(t, "payload"))
		if err != nil {
			t.Fatal(err)
		}
		if got := mix(before[:], message[publicLen:]); !bytes.Equal(got[:], h.state.ChannelBinding()) {
			t.Fatal("the hash before the payload does not lead to the one after it")
		}
	})
}

// The bytes on the wire are the protocol: they change with Version only.
func TestGolden(t *testing.T) {
	room, key := Room(bytes.Repeat([]byte{0x11}, 32)), Key(bytes.Repeat([]byte{0x22}, 32))
	a, b := pipe.New()
	var log bytes.Buffer
	spyA, spyB := &spy{Conn: a, name: "initiator", log: &log}, &spy{Conn: b, name: "responder", log: &log}
	i, err := initiate(spyA, room, key, bytes.NewReader(bytes.Repeat([]byte{0x33}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&log, "initiator signs %x\n", i.Binding())
	must(t, i.Send(t.Context(), []byte("hello from the initiator")))
	r, err := respond(t.Context(), spyB, func(Room) (Key, bool) { return key, true },
		bytes.NewReader(bytes.Repeat([]byte{0x44}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&log, "responder signs %x\n", r.Binding())
	must(t, r.Send(t.Context(), []byte("hello from the responder")))
	must(t, i.Send(t.Context(), []byte("a record")))
	must(t, i.Send(t.Context(), nil))
	must(t, r.Send(t.Context(), []byte("and back")))
	must(t, i.Close())
	want := filepath.Join("testdata", "golden.txt")
	if os.Getenv("UPDATE") != "" {
		must(t, os.WriteFile(want, log.Bytes(), 0o600))
	}
	golden, err := os.ReadFile(want)
	must(t, err)
	if !bytes.Equal(log.Bytes(), golden) {
		t.Errorf("the wire has changed; got\n%swant\n%s", log.Bytes(), golden)
	}
}
