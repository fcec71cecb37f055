package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
)

// TestPacksEndWhereAllIsSealed hands versions of several authors, which came in large packs, on to somebody who has some of
// them: each pack must be good by itself, so that nothing waits for a seal.
func TestPacksEndWhereAllIsSealed(t *testing.T) {
	const each = 1500
	replicas, _ := newSpace(t, 5)
	x, y, hub, some, none := replicas[0], replicas[1], replicas[2], replicas[3], replicas[4]
	ctx := t.Context()
	text := strings.Repeat("x", 200)
	for i := range 3 {
		for j := range each {
			wrote(t)(x.Set(ctx, fmt.Sprintf("x/%d", j), fmt.Sprint(i, j, text)))
			wrote(t)(y.Set(ctx, fmt.Sprintf("y/%d", j), fmt.Sprint(i, j, text)))
			if j%700 == 0 {
				syncPair(t, x, y)
			}
		}
		if i == 0 {
			syncPair(t, x, some)
		}
	}
	syncPair(t, x, y)
	syncPair(t, x, hub)
	open, err := replica.OpenRows(ctx, hub)
	if err != nil || open < 10 {
		t.Fatalf("%d rows of the hub go on in the next one, %v: the test proves nothing", open, err)
	}
	for _, r := range []*replica.Replica{some, none} {
		rep, _, err := replica.SyncPair(ctx, hub, r)
		if err != nil || !rep.Equal {
			t.Fatalf("a sync with the hub: %v, %v", rep, err)
		}
		st, err := r.Status(ctx)
		if err != nil || len(st.Pending) > 0 {
			t.Errorf("versions wait: %v, %v", st.Pending, err)
		}
		sameState(t, hub, r)
		verified(t, r)
	}
}
