package replica

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

func TestReissuesAreStored(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	all := []Reissue{
		{From: 1, To: 9, First: 2, Last: 10, Versions: 3, Why: "fork", At: at},
		{From: 3, To: 4, First: 1, Last: 2, Versions: 2, Why: "clock", At: at, steps: []step{{width: 1, seq: 1}, {width: 1, seq: 2}}},
	}
	all[0].Author[0], all[0].As[31], all[1].steps[1].was[15], all[1].steps[0].now[0] = 1, 2, 3, 4
	b := appendReissues(nil, all)
	got, err := decodeReissues(b)
	if err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("%+v, %v; want %+v", got, err, all)
	}
	for n := range b {
		if _, err := decodeReissues(b[:n]); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
}

// What is remembered is bounded: the oldest reissues go, and before them what the old ones know of each version.
func TestRememberedReissuesAreBounded(t *testing.T) {
	r, err := Open(t.Context(), memory.New(), testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxReissues + 2 {
		err := r.write(t.Context(), func(c *commit) error {
			c.wrote = true
			return c.noteReissue(&Reissue{From: uint64(i), Versions: 100, Why: "fork", steps: make([]step, 100)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := r.Reissues(t.Context())
	if err != nil || len(all) != maxReissues || all[0].From != 2 {
		t.Fatalf("%d reissues from %d, %v", len(all), all[0].From, err)
	}
	steps := 0
	for i := range all {
		steps += len(all[i].steps)
	}
	if steps != maxReissueSteps || len(all[len(all)-1].steps) != 100 || len(all[0].steps) != 0 {
		t.Errorf("%d steps", steps)
	}
}
