package pack_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

var plain = pack.Options{Plain: true}

func fault(err error) history.Fault {
	var invalid *history.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Fault
	}
	return 0
}

// TestBadVersionHarmsOnlyItsDescendants breaks one body of a pack and reads the rest.
func TestBadVersionHarmsOnlyItsDescendants(t *testing.T) {
	a, b, c := &writer{author: author(0)}, &writer{author: author(1)}, &writer{author: author(2)}
	v1, v2 := a.write(nil, put("n/1", `"broken"`)), b.write(nil, put("n/2", "2"))
	v3 := a.write(nil, put("n/3", "3"))
	v4 := c.write([]history.Ref{v1.Ref()}, put("n/4", "4")) // v1 is a pin
	v5 := b.write(nil, put("n/5", "5"))
	v6 := c.write([]history.Ref{v3.Ref()}, put("n/6", "6"))
	versions := []history.Version{v1, v2, v3, v4, v5, v6}
	packed := must(pack.Encode(nil, versions, plain))
	packed[bytes.Index(packed, []byte("broken"))] = 0xff // no UTF-8 any more
	var d pack.Decoder
	if err := d.Reset(testSpace, packed); err != nil {
		t.Fatal(err)
	}
	want := []history.Fault{history.FaultOp, 0, history.FaultAncestor, history.FaultAncestor, 0, history.FaultAncestor}
	for i, w := range want {
		v, err := d.Next()
		if fault(err) != w || err != nil && !errors.Is(err, history.ErrInvalid) {
			t.Errorf("version %d: %v, want fault %v", i, err, w)
		}
		if v.Author != versions[i].Author || w == 0 && v.ID != versions[i].ID || w != 0 && !v.ID.IsZero() {
			t.Errorf("version %d: author %v, id %v", i, v.Author, v.ID)
		}
	}
	if _, err := d.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

// TestAnotherSpace reads a pack as of a space that its authors did not write in.
func TestAnotherSpace(t *testing.T) {
	w := &writer{author: author(0)}
	var d pack.Decoder
	if err := d.Reset(identity.Space{1}, must(pack.Encode(nil, []history.Version{w.write(nil, put("n/1", "1"))}, plain))); err != nil {
		t.Fatal(err)
	}
	if v, err := d.Next(); err != nil || v.ID == w.tip.ID {
		t.Errorf("a first version, whose id goes back to the space: %v, %v", v.ID, err)
	}
	if _, err := d.Next(); !errors.Is(err, pack.ErrPack) {
		t.Errorf("a pack of another space: %v", err)
	}
}

// TestForgedContent reads a content that is not what the payload's hash was made of; the version is sound without it.
func TestForgedContent(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, put("n/1", "1"), detached("n/2", `"secret"`, 7))
	if b := must(pack.Encode(nil, []history.Version{v}, plain)); !bytes.Contains(b, []byte("secret")) {
		t.Error("the content is not in the pack")
	}
	forged := v.Clone()
	copy(forged.Contents[0].Body, "\xa6forged")
	var d pack.Decoder
	if err := d.Reset(testSpace, must(pack.Encode(nil, []history.Version{forged}, plain))); err != nil {
		t.Fatal(err)
	}
	got, err := d.Next()
	if !errors.Is(err, history.ErrContent) || got.ID != v.ID || len(got.Contents) != 0 {
		t.Errorf("forged content: %v", err)
	}
	longer := v.Clone()
	longer.Contents[0].Body = append(longer.Contents[0].Body, 0)
	read := must(read(&d, must(pack.Encode(nil, []history.Version{longer}, plain))))
	if read[0].ID != v.ID || len(read[0].Contents) != 0 {
		t.Errorf("a content of another length: %+v", read[0])
	}
}

// TestPayloadsThatAreNoPayloads come back whole, and are refused like in a run.
func TestPayloadsThatAreNoPayloads(t *testing.T) {
	sound := (&writer{author: author(0)}).write(nil, put("n/1", "1"))
	for name, payload := range map[string][]byte{
		"nothing":          {},
		"no array":         {0xc0},
		"trailing bytes":   append(slices.Clone(sound.Payload), 0xc0),
		"not minimal":      append([]byte{0x92, 0x91, 0x94, 0xcc, 1}, sound.Payload[4:]...),
		"an op of 5 items": append([]byte{0x92, 0x91, 0x95}, sound.Payload[3:]...),
		"a splice of none": {0x92, 0x91, 0x94, 16, 1, 0xa3, 'n', '/', '1', 0x93, 4, 0, 0xa0, 0xc0},
		"a long key":       {0x92, 0x91, 0x94, 1, 1, 0xda, 4, 1, 'x'},
		"too long":         append(slices.Clone(sound.Payload), make([]byte, history.MaxVersion)...),
	} {
		v := sound
		v.Payload = payload
		var d pack.Decoder
		if err := d.Reset(testSpace, must(pack.Encode(nil, []history.Version{v}, plain))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := d.Next()
		if !errors.Is(err, history.ErrInvalid) || len(payload) < history.MaxVersion && !bytes.Equal(got.Payload, payload) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestThousandAuthors reads many chains, each with its own tip.
func TestThousandAuthors(t *testing.T) {
	versions := manyAuthors()
	b := must(pack.Encode(nil, versions, pack.Options{}))
	var d pack.Decoder
	got, err := read(&d, b)
	if err != nil || !slices.EqualFunc(got, versions, func(a, b history.Version) bool { return same(&a, &b) }) {
		t.Fatalf("%d versions, %v", len(got), err)
	}
	if chains := len(d.Header().Chains); chains != 1000 {
		t.Errorf("%d chains", chains)
	}
}

// TestRefused lists changes after which bytes are no pack, and when that shows.
func TestRefused(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	v1, v2 := a.write(nil, put("n/1", "1")), a.write(nil, put("n/1", "2"))
	v3 := b.write([]history.Ref{v1.Ref(), v2.Ref()}, put("n/2", "3"), detached("n/2", "4", 1))
	good := must(pack.Encode(nil, []history.Version{v1, v2, v3}, plain))
	type cols = [pack.Columns][]byte
	cases := map[string]func(h *pack.Header, c *cols){
		"another tip":            func(h *pack.Header, _ *cols) { h.Chains[1].Tip.ID[0]++ },
		"another last dot":       func(h *pack.Header, _ *cols) { h.Chains[0].Tip.Seq++ },
		"an earlier first time":  func(h *pack.Header, c *cols) { h.First -= 1 << 16; c[pack.ColTimes][0] += 4 },
		"a later last time":      func(h *pack.Header, _ *cols) { h.Last++ },
		"no versions":            func(h *pack.Header, _ *cols) { h.Count = 0 },
		"fewer versions":         func(h *pack.Header, _ *cols) { h.Count = 2 },
		"more versions":          func(h *pack.Header, _ *cols) { h.Count = 4 },
		"times beyond 63 bits":   func(h *pack.Header, _ *cols) { h.Last = h.First + history.MaxSeq },
		"a codec of later":       func(h *pack.Header, _ *cols) { h.Codec = 2 },
		"no chains":              func(h *pack.Header, _ *cols) { h.Chains = nil },
		"a chain of no dots":     func(h *pack.Header, _ *cols) { h.Chains[0].Tip.Seq = 0 },
		"a chain too many":       func(h *pack.Header, _ *cols) { h.Chains = append(h.Chains, h.Chains[0]) },
		"a chain that is none":   func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{2 << 2, 3} },
		"an empty run":           func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 0, 0, 2, 4, 1} },
		"a run that is too long": func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 4} },
		"a parent twice":         func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 2, 0, 0, 1} },
		"a parent yet to come":   func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0 | 1, 1 << 2, 2, 4, 1} },
		"a pin yet to come":      func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0 | 1, 1, 2, 4, 1} },
		"an external of none":    func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 1, 2, 1} },
		"a before of none":       func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 1, 2<<2 | 3, 1} },
		"before a first version": func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 1, 0<<2 | 3, 1} },
		"an external of dot 0": func(h *pack.Header, _ *cols) {
			h.Externals = []history.Ref{{Author: a.author, ID: history.ID{1}}}
		},
		"two parents as many":    func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 3, 2, 0, 1, 1} },
		"too many parents":       func(_ *pack.Header, c *cols) { c[pack.ColRuns] = []byte{0, 2, 1<<2 | 3, 64, 0, 1, 1} },
		"a pin beyond the end":   func(_ *pack.Header, c *cols) { c[pack.ColPins] = []byte{0, 2} },
		"a pin after the last":   func(_ *pack.Header, c *cols) { c[pack.ColPins] = []byte{0, 0, 0, 0} },
		"a time too few":         func(_ *pack.Header, c *cols) { c[pack.ColTimes] = c[pack.ColTimes][:1] },
		"a time before 1970":     func(_ *pack.Header, c *cols) { c[pack.ColTimes] = pack.AppendNumber(nil, 1<<50|2) },
		"a counter too large":    func(_ *pack.Header, c *cols) { c[pack.ColTimes] = []byte{1, 0x80, 0x80, 4, 0, 0, 0} },
		"a number too long":      func(_ *pack.Header, c *cols) { c[pack.ColTimes] = []byte{0x80, 0, 0, 0, 0} },
		"a key yet to come":      func(_ *pack.Header, c *cols) { c[pack.ColKeys][0] = 1 },
		"a key too many":         func(_ *pack.Header, c *cols) { c[pack.ColDict] = append(c[pack.ColDict], 0, 0) },
		"a key of no text":       func(_ *pack.Header, c *cols) { c[pack.ColDictText] = c[pack.ColDictText][:2] },
		"text of no key":         func(_ *pack.Header, c *cols) { c[pack.ColDictText] = append(c[pack.ColDictText], 'x') },
		"a key sharing too much": func(_ *pack.Header, c *cols) { c[pack.ColDict][2]++; c[pack.ColDict][0] = 9 },
		"no codes":               func(_ *pack.Header, c *cols) { c[pack.ColCodes] = nil },
		"a value no times":       func(_ *pack.Header, c *cols) { c[pack.ColCodes] = []byte{0, 1, 4, 1} },
		"values left over":       func(_ *pack.Header, c *cols) { c[pack.ColCodes] = []byte{5, 1} },
		"half a pair":            func(_ *pack.Header, c *cols) { c[pack.ColCodes] = []byte{4} },
		"no boolean":             func(_ *pack.Header, c *cols) { c[pack.ColPresent] = []byte{1, 2} },
		"too many ops":           func(_ *pack.Header, c *cols) { c[pack.ColOps] = pack.AppendNumber([]byte{3}, 1<<40) },
		"a body too many":        func(_ *pack.Header, c *cols) { c[pack.ColBodies] = append(c[pack.ColBodies], 0xc0) },
		"a body too long":        func(_ *pack.Header, c *cols) { c[pack.ColLengths][2] = 9 },
		"metadata of no version": func(_ *pack.Header, c *cols) { c[pack.ColMetas] = []byte{4, 0} },
		"widths of no op":        func(_ *pack.Header, c *cols) { c[pack.ColWidths] = []byte{5, 1} },
		"a raw payload too many": func(_ *pack.Header, c *cols) { c[pack.ColRawLengths] = []byte{1} },
	}
	var d pack.Decoder
	before := map[string]int{ // versions that are read before it shows
		"a chain that is none": 0, "an empty run": 0, "a run that is too long": 0, "a parent twice": 2, "a parent yet to come": 0, "a pin yet to come": 0,
		"an external of none": 2, "a before of none": 2, "before a first version": 2, "an external of dot 0": 0, "two parents as many": 2, "too many parents": 2, "a counter too large": 0,
		"a number too long": 0, "a time before 1970": 0, "a key yet to come": 0, "no codes": 0, "too many ops": 0, "a value no times": 0,
	}
	for name, change := range cases {
		h, c := pack.Split(slices.Clone(good))
		change(&h, &c)
		n, err := scan(&d, pack.Join(h, c))
		if want, known := before[name]; !errors.Is(err, pack.ErrPack) || errors.Is(err, io.EOF) || known && n != want {
			t.Errorf("%s: read %d versions, %v", name, n, err)
		} else if _, again := d.Next(); again == nil || !errors.Is(again, pack.ErrPack) && d.Len() > 0 {
			t.Errorf("%s: the error does not stay: %v", name, again)
		}
	}
	if n, err := scan(&d, good); n != 3 || err != nil {
		t.Errorf("the pack that was changed: read %d versions, %v", n, err)
	}
	for i := range good {
		if _, err := scan(&d, good[:i]); !errors.Is(err, pack.ErrPack) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
	if _, err := scan(&d, append(slices.Clone(good), 0)); !errors.Is(err, pack.ErrPack) {
		t.Errorf("trailing bytes: %v", err)
	}
}

// TestSplicesRefused lists changes of the columns of splices after which bytes are no pack, or hold a version that is none.
func TestSplicesRefused(t *testing.T) {
	w := &writer{author: author(0)}
	good := must(pack.Encode(nil, []history.Version{w.write(nil, splice("n/1", 4, 1, "ab")), w.write(nil, splice("n/1", 6, 0, "c"))}, plain))
	number := func(n uint64) []byte { return pack.AppendNumber([]byte{1}, n) }
	type cols = [pack.Columns][]byte
	for name, change := range map[string]func(c *cols){
		"a place before the start": func(c *cols) { c[pack.ColOffsets] = []byte{1, 1, 1, 0} },
		"a place beyond the limit": func(c *cols) { c[pack.ColOffsets] = append(number(1<<32), 1, 0) },
		"an offset that overflows": func(c *cols) { c[pack.ColOffsets] = append(number(1<<64-2), 1, 0) },
		"too many removed":         func(c *cols) { c[pack.ColRemoved] = append(number(1<<31), 1, 0) },
		"a place too many":         func(c *cols) { c[pack.ColOffsets] = append(c[pack.ColOffsets], 1, 1) },
		"a removal too many":       func(c *cols) { c[pack.ColRemoved] = append(c[pack.ColRemoved], 1, 1) },
		"a length too many":        func(c *cols) { c[pack.ColTextLengths] = append(c[pack.ColTextLengths], 1, 0) },
		"text left over":           func(c *cols) { c[pack.ColText] = append(c[pack.ColText], 'x') },
		"text too short":           func(c *cols) { c[pack.ColText] = c[pack.ColText][:2] },
	} {
		h, c := pack.Split(slices.Clone(good))
		change(&c)
		var d pack.Decoder
		if n, err := scan(&d, pack.Join(h, c)); !errors.Is(err, pack.ErrPack) || errors.Is(err, io.EOF) {
			t.Errorf("%s: read %d versions, %v", name, n, err)
		}
		if _, err := pack.Open(testSpace, pack.Join(h, c)); !errors.Is(err, pack.ErrPack) {
			t.Errorf("%s, opened: %v", name, err)
		}
	}
	h, c := pack.Split(slices.Clone(good))
	c[pack.ColText] = []byte{'a', 0xff, 'c'}
	var d pack.Decoder
	if err := d.Reset(testSpace, pack.Join(h, c)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); fault(err) != history.FaultEncoding {
		t.Errorf("a splice of bytes: %v, want a bad version", err)
	}
}

// TestEncodeRefuses lists versions that no pack holds.
func TestEncodeRefuses(t *testing.T) {
	w := &writer{author: author(0)}
	v := w.write(nil, put("n/1", "1"))
	twice := v
	twice.Deps = []history.Ref{{ID: history.ID{1}}, {ID: history.ID{1}}}
	unmade := v
	unmade.Width = 9
	large := w.write(nil, put("n/1", `"`+strings.Repeat("x", history.MaxVersion/2)+`"`))
	many := func(n int, v history.Version) []history.Version { return slices.Repeat([]history.Version{v}, n) }
	cases := map[string]struct {
		versions []history.Version
		large    bool
	}{
		"none":              {nil, false},
		"a parent twice":    {[]history.Version{twice}, false},
		"never made":        {[]history.Version{unmade}, false},
		"too many":          {many(pack.MaxVersions+1, v), true},
		"too large a body":  {many(40, large), true},
		"too many payloads": {many(140, large), true},
	}
	for name, c := range cases {
		_, err := pack.Encode(nil, c.versions, plain)
		if !errors.Is(err, pack.ErrPack) || errors.Is(err, history.ErrTooLarge) != c.large {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBombs offers packs that claim, or unfold to, far more than they are, and measures what refusing them takes.
func TestBombs(t *testing.T) {
	w := &writer{author: author(0)}
	h, good := pack.Split(must(pack.Encode(nil, []history.Version{w.write(nil, put("n/1", "1"))}, plain)))
	key := []byte("n/" + strings.Repeat("k", crdt.MaxKey-2))
	dict := slices.Repeat([]byte{0x80, 8, 0}, 1<<18) // shares 1,024 bytes, adds none
	with := func(change func(h *pack.Header, c *[pack.Columns][]byte)) []byte {
		h, c := h, good
		change(&h, &c)
		return pack.Join(h, c)
	}
	deletes := func(versions, ops int) []byte { // all of one key
		return with(func(h *pack.Header, c *[pack.Columns][]byte) {
			h.Count = versions
			c[pack.ColRuns] = pack.AppendNumber([]byte{0}, uint64(versions))
			c[pack.ColTimes] = make([]byte, versions)
			c[pack.ColDict], c[pack.ColDictText] = []byte{0, 0x80, 8}, key
			c[pack.ColOps] = pack.AppendNumber(pack.AppendNumber(nil, uint64(versions)), uint64(ops)+1)
			c[pack.ColKeys] = append([]byte{0}, bytes.Repeat([]byte{1}, versions*ops-1)...)
			c[pack.ColCodes] = append(pack.AppendNumber(nil, uint64(versions*ops)), 2)
			c[pack.ColLengths], c[pack.ColBodies] = bytes.Repeat([]byte{1}, versions*ops), bytes.Repeat([]byte{0xc0}, versions*ops)
		})
	}
	claim := func(change func(h *pack.Header)) []byte {
		h := h
		h.Codec, h.Stored, h.Plain = pack.CodecZstd, 100, 100
		change(&h)
		return pack.AppendHeader(h, make([]byte, 100))
	}
	cases := map[string]struct {
		pack  []byte
		size  int // of header and decompressed body, 0 for that of the pack
		large bool
	}{
		"keys that share": {pack: with(func(_ *pack.Header, c *[pack.Columns][]byte) {
			c[pack.ColDict], c[pack.ColDictText] = append([]byte{0, 0x80, 8}, dict...), key
		})},
		"ops of one long key":      {pack: deletes(200, 1000), large: true},
		"more versions than bytes": {pack: claim(func(h *pack.Header) { h.Codec, h.Count = pack.CodecNone, pack.MaxVersions })},
		"a ratio too good":         {pack: claim(func(h *pack.Header) { h.Plain = pack.MaxBody })},
		"a body too large":         {pack: claim(func(h *pack.Header) { h.Plain, h.Stored = pack.MaxBody+1, pack.MaxBody })},
		"a body that is none":      {pack: claim(func(h *pack.Header) { h.Plain = 1 << 20 }), size: 1 << 20},
	}
	for name, c := range cases {
		limit := uint64(8*max(c.size, len(c.pack)) + 3<<20)
		var d pack.Decoder
		var err error
		if took := allocated(func() { _, err = scan(&d, c.pack) }); took > limit || !errors.Is(err, pack.ErrPack) || errors.Is(err, history.ErrTooLarge) != c.large {
			t.Errorf("%s: %d bytes took %d bytes of memory, limit %d (%v)", name, len(c.pack), took, limit, err)
		}
		if took := allocated(func() { _, err = pack.Open(testSpace, c.pack) }); took > limit || err == nil && !c.large {
			t.Errorf("%s, opened: %d bytes took %d bytes of memory, limit %d (%v)", name, len(c.pack), took, limit, err)
		}
	}
	// One version that unfolds to 50 MiB is invalid, and not made to see that; memory for 1 MiB takes some more while it grows.
	long := deletes(1, 50_000)
	var d pack.Decoder
	var err error
	took := allocated(func() {
		if err = d.Reset(testSpace, long); err == nil {
			_, err = d.Next()
		}
	})
	if limit := uint64(8*len(long) + 5<<20); took > limit || fault(err) != history.FaultLimit {
		t.Errorf("a version too large: %d bytes took %d bytes of memory, limit %d (%v)", len(long), took, limit, err)
	}
}

// TestWithinOnesOwnLimits packs what is so regular that a reader would take it for a bomb, were it written as small as can be.
func TestWithinOnesOwnLimits(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(0)}
	var values, keys []history.Version
	value := `"` + strings.Repeat("x", 400_000) + `"`
	for range 12 {
		values = append(values, a.write(nil, put("n/1", value)))
	}
	for i := range 2000 {
		keys = append(keys, b.write(nil, put("n/"+strings.Repeat("k", 1000)+strconv.Itoa(i), "1")))
	}
	for name, versions := range map[string][]history.Version{"values": values, "keys": keys} {
		var d pack.Decoder
		got, err := read(&d, must(pack.Encode(nil, versions, pack.Options{})))
		if err != nil || !slices.EqualFunc(got, versions, func(a, b history.Version) bool { return same(&a, &b) }) {
			t.Errorf("%s: %d versions, %v", name, len(got), err)
		}
	}
}

// TestDecoderBounds reads the densest packs there are and measures what that takes.
func TestDecoderBounds(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	var empty, merging, pins []history.Version
	for i := range 20_000 {
		empty = append(empty, a.write(nil))
		if i >= 2_000 {
			continue
		}
		var deps []history.Ref
		for k := max(0, i-history.MaxDeps); k < i-1; k++ {
			deps = append(deps, merging[k].Ref())
		}
		merging = append(merging, b.write(deps))
	}
	c := &writer{author: author(2)}
	pins = slices.Clone(empty)
	for i := range 10_000 {
		pins = append(pins, c.write([]history.Ref{empty[i].Ref()}))
	}
	for name, versions := range map[string][]history.Version{"empty": empty, "merging": merging, "pins": pins} {
		packed := must(pack.Encode(nil, versions, plain))
		var d pack.Decoder
		var n int
		var err error
		took := allocated(func() { n, err = scan(&d, packed) })
		if err != nil || n != len(versions) {
			t.Fatalf("%s: %d versions, %v", name, n, err)
		}
		limit := uint64(8*len(packed) + 64<<10)
		if name == "pins" {
			limit += 10_000 * 48
		}
		if took > limit {
			t.Errorf("%s: %d bytes took %d bytes of memory, limit %d", name, len(packed), took, limit)
		}
		if again := allocated(func() { _, _ = scan(&d, packed) }); again > 4<<10 && name != "merging" { // which sorts 63 parents
			t.Errorf("%s: read again, it took %d bytes of memory", name, again)
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestEveryByteMatters changes each byte of a plain pack: nothing panics, and no version is read as what it was not.
func TestEveryByteMatters(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	v1 := a.write(nil, put("n/1", `{"a":1}`), detached("n/2", `"x"`, 3))
	v2 := b.write([]history.Ref{v1.Ref()}, put("n/1", "null"))
	versions := []history.Version{v1, v2, a.write(nil), b.write([]history.Ref{v1.Ref()})}
	good := must(pack.Encode(nil, versions, plain))
	ids := map[history.ID]bool{}
	for i := range versions {
		ids[versions[i].ID] = true
	}
	var d pack.Decoder
	for i := range good {
		for _, flip := range []byte{1, 0x80, 0xff} {
			changed := slices.Clone(good)
			changed[i] ^= flip
			// One number has two forms: a parent that is a tip may be named as a pin.
			got, err := read(&d, changed)
			if err == nil && !slices.EqualFunc(got, versions, func(a, b history.Version) bool { return same(&a, &b) }) {
				t.Errorf("byte %d changed by %#x is not seen", i, flip)
			}
			if r, err := pack.Open(testSpace, changed); err == nil {
				if got, err := r.IDs(); err == nil && !ids[got[len(got)-1]] {
					t.Errorf("byte %d changed by %#x: a reader takes it", i, flip)
				}
			}
		}
	}
}

func FuzzPack(f *testing.F) {
	w, x := &writer{author: author(0)}, &writer{author: author(1)}
	v1 := w.write(nil, put("n/1", `{"a":[1,2,3]}`), detached("n/2", `"x"`, 3))
	v2 := x.write([]history.Ref{v1.Ref()}, put("n/1", "null"))
	v3 := w.write([]history.Ref{v2.Ref()})
	v4 := x.make([]history.Ref{v1.Ref()}, history.Meta{Message: "why"}, put("n/123", "0"), splice("n/4", 7, 0, "ab"), splice("n/4", 8, 1, ""))
	for _, part := range [][]history.Version{{v1}, {v1, v2, v3, v4}, {v2, v3, v4}, {v3, v4}} {
		f.Add(must(pack.Encode(nil, part, plain)))
		f.Add(must(pack.Encode(nil, part, pack.Options{})))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := pack.Open(testSpace, b); err == nil {
			_, _ = r.IDs()
			_ = r.Bare(r.Len() - 1)
		}
		d := pack.Decoder{Keep: len(b)%2 == 0}
		if d.Reset(testSpace, b) != nil {
			return
		}
		var sound []history.Version
		for {
			v, err := d.Next()
			if errors.Is(err, pack.ErrPack) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				continue
			}
			if err := v.Check(); err != nil {
				t.Fatalf("a version that was read does not pass: %v", err)
			}
			if err := sameOps(d.Ops(), v); d.Keep && err != nil {
				t.Fatal(err)
			}
			sound = append(sound, v.Clone())
		}
		if len(sound) == 0 {
			return
		}
		again, err := pack.Encode(nil, sound, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(&d, again)
		if err != nil || !slices.EqualFunc(got, sound, func(a, b history.Version) bool { return same(&a, &b) }) {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}
