package clock

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

func TestNext(t *testing.T) {
	const ms = 1 << 16
	for _, c := range []struct {
		name  string
		wall  int64
		after Time
		want  Time
	}{
		{"the wall is ahead", 5, 4 * ms, 5 * ms},
		{"the wall stands still", 5, 5 * ms, 5*ms + 1},
		{"the wall went back", 3, 5*ms + 9, 5*ms + 10},
		{"the counter carries", 5, 6*ms - 1, 6 * ms},
		{"the first of all", 0, 0, 1},
		{"before 1970", -1, 7, 8},
		{"the last moment of 2099", maxMillis - 1, 7, MaxTime - ms},
		{"the year 2100", maxMillis, 7, MaxTime},
		{"beyond the year 2100", maxMillis + 1, 7, 8},
		{"far beyond", math.MaxInt64, 7, 8},
	} {
		if got := Next(c.wall, c.after); got != c.want {
			t.Errorf("%s: Next(%d, %d) = %d, want %d", c.name, c.wall, c.after, got, c.want)
		}
	}
}

func TestValidAfter(t *testing.T) {
	for _, c := range []struct {
		name    string
		t       Time
		parents []Time
		valid   bool
	}{
		{"no parents", 1, nil, true},
		{"zero is no time", 0, nil, false},
		{"above all parents", 9, []Time{3, 8, 1}, true},
		{"equal to one", 8, []Time{3, 8, 1}, false},
		{"below one", 5, []Time{3, 8}, false},
		{"the year 2100", MaxTime, nil, true},
		{"beyond", MaxTime + 1, nil, false},
		{"beyond, one tick above", MaxTime + 1, []Time{5, MaxTime}, true},
		{"beyond, two ticks above", MaxTime + 2, []Time{MaxTime}, false},
		{"far beyond, one tick above", MaxTime + 900, []Time{MaxTime + 899}, true},
		{"after the last time", 0, []Time{math.MaxUint64}, false},
	} {
		if err := ValidAfter(c.t, c.parents...); (err == nil) != c.valid || err != nil && !errors.Is(err, ErrTime) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// I9: whatever the wall clocks show, what Next returns is valid and rises.
func TestNextIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last Time
		for range rapid.IntRange(1, 20).Draw(t, "versions") {
			wall := rapid.OneOf(rapid.Int64(), rapid.Int64Range(maxMillis-2, maxMillis+2), rapid.Int64Range(0, 5)).Draw(t, "wall")
			next := Next(wall, last)
			if err := ValidAfter(next, last); err != nil {
				t.Fatal(err)
			}
			last = next
		}
	})
}

func TestTimeString(t *testing.T) {
	for want, at := range map[string]Time{
		"1970-01-01T00:00:00.000Z":   0,
		"1970-01-01T00:00:01.002Z+7": 1002<<16 + 7,
		"2100-01-01T00:00:00.000Z":   MaxTime,
	} {
		if got := at.String(); got != want {
			t.Errorf("%d is %s, want %s", at, got, want)
		}
	}
}

func anyStamp(t *rapid.T) Stamp {
	return Stamp{
		Time:   Time(rapid.Uint64Range(1, 3).Draw(t, "time")),
		Author: identity.Author{rapid.Byte().Draw(t, "author") & 1},
		Seq:    rapid.Uint64().Draw(t, "seq"),
		ID:     ID{rapid.Byte().Draw(t, "id") & 3},
	}
}

func TestStampOrderAndEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyStamp(t), anyStamp(t), anyStamp(t)
		if a.Compare(b) != -b.Compare(a) || a.Less(b) && b.Less(c) && !a.Less(c) {
			t.Fatalf("no order: %v %v %v", a, b, c)
		}
		if a.Time < b.Time && !a.Less(b) || a.Time == b.Time && a.Author.Compare(b.Author) < 0 && !a.Less(b) {
			t.Fatalf("%v is not before %v", a, b)
		}
		r := canon.NewReader(a.Append(nil))
		if back, err := ReadStamp(&r); err != nil || back != a || r.End() != nil {
			t.Fatalf("%v decodes as %v, %v", a, back, err)
		}
	})
}

func TestStampName(t *testing.T) {
	s := Stamp{Author: identity.Author{1, 2, 3}, Seq: 42}
	if got, want := s.Name(), s.Author.String()+"@42"; got != want {
		t.Errorf("the name is %s, want %s", got, want)
	}
}

func entry(author byte, seq uint64, id byte) Entry {
	return Entry{Author: identity.Author{author}, Seq: seq, ID: Prefix{id}}
}

func TestVectorJoinAndCompare(t *testing.T) {
	a1, a2, a3, a3fork := entry(1, 1, 1), entry(1, 2, 2), entry(1, 3, 3), entry(1, 3, 4)
	b1 := entry(2, 1, 5)
	for _, c := range []struct {
		name  string
		a, b  Vector
		join  Vector
		order Order
	}{
		{"empty", nil, nil, nil, Equal},
		{"one is empty", nil, NewVector(a1), NewVector(a1), Before},
		{"same author", NewVector(a3), NewVector(a1), NewVector(a3), After},
		{"two authors", NewVector(a2), NewVector(b1), NewVector(a2, b1), Concurrent},
		{"crossed", NewVector(a2, b1), NewVector(a3), NewVector(a3, b1), Concurrent},
		{"one covers", NewVector(a3, b1), NewVector(a2), NewVector(a3, b1), After},
		{"a fork", NewVector(a3), NewVector(a3fork), NewVector(a3, a3fork), Concurrent},
		{"a known fork", NewVector(a3, a3fork), NewVector(a3), NewVector(a3, a3fork), After},
		{"a known fork does not vouch for older dots", NewVector(a3, a3fork), NewVector(a1), NewVector(a1, a3, a3fork), Concurrent},
	} {
		if got := c.a.Join(c.b); !slices.Equal(got, c.join) {
			t.Errorf("%s: joined %v, want %v", c.name, got, c.join)
		}
		if got := c.b.Join(c.a); !slices.Equal(got, c.join) {
			t.Errorf("%s: joined the other way %v, want %v", c.name, got, c.join)
		}
		if got := c.a.Compare(c.b); got != c.order {
			t.Errorf("%s: %s, want %s", c.name, got, c.order)
		}
	}
}

// Without forks, Join is the least upper bound and Compare its order.
func TestVectorIsALattice(t *testing.T) {
	vector := rapid.Custom(func(t *rapid.T) Vector {
		var entries []Entry
		for author := byte(1); author <= 4; author++ {
			if seq := rapid.Uint64Range(0, 3).Draw(t, "seq"); seq > 0 {
				entries = append(entries, entry(author, seq, byte(seq)))
			}
		}
		return NewVector(entries...)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := vector.Draw(t, "a"), vector.Draw(t, "b"), vector.Draw(t, "c")
		if !slices.Equal(a.Join(b), b.Join(a)) || !slices.Equal(a.Join(a), a) || !slices.Equal(a.Join(b).Join(c), a.Join(b.Join(c))) {
			t.Fatal("Join is not commutative, idempotent and associative")
		}
		join := a.Join(b)
		for _, e := range slices.Concat(a, b) {
			if !join.Covers(e) {
				t.Fatalf("%v does not cover %v", join, e)
			}
		}
		if before := slices.Equal(join, b) && !slices.Equal(a, b); before != (a.Compare(b) == Before) {
			t.Fatalf("%v and %v are %s", a, b, a.Compare(b))
		}
		r := canon.NewReader(a.Append(nil))
		if back, err := ReadVector(&r); err != nil || !slices.Equal(back, a) {
			t.Fatalf("%v decodes as %v, %v", a, back, err)
		}
	})
}

func TestReadVectorRefuses(t *testing.T) {
	two := Vector{entry(2, 1, 1), entry(1, 1, 1)}
	long := canon.AppendArray(nil, MaxEntries+1)
	for name, b := range map[string][]byte{
		"descending":   two.Append(nil),
		"twice":        Vector{two[0], two[0]}.Append(nil),
		"more entries": append(long, make([]byte, 60*(MaxEntries+1))...),
		"a lying size": append(canon.AppendArray(nil, 100), make([]byte, 100)...),
		"a short id":   canon.AppendBytes(canon.AppendUint(canon.AppendBytes(canon.AppendArray(canon.AppendArray(nil, 1), 3), make([]byte, 32)), 1), make([]byte, 20)),
	} {
		r := canon.NewReader(b)
		if v, err := ReadVector(&r); !errors.Is(err, canon.ErrMalformed) {
			t.Errorf("%s: read %d entries, %v", name, len(v), err)
		}
	}
}

func FuzzReadVector(f *testing.F) {
	f.Add(NewVector(entry(1, 3, 3), entry(1, 3, 4), entry(2, 1, 5)).Append(nil))
	f.Add([]byte{0x90})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := canon.NewReader(b)
		v, err := ReadVector(&r)
		if err != nil || r.End() != nil {
			return
		}
		if again := v.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes as %x", b, again)
		}
	})
}
