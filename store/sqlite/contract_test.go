package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/storetest"
)

// eachDriver runs a test on every driver that this build has.
func eachDriver(t *testing.T, test func(t *testing.T, d door)) {
	t.Helper()
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
}

func TestContract(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		storetest.Run(t, storetest.Adapter{
			Open: func(_ context.Context, dir string) (store.Store, error) {
				return open(d, filepath.Join(dir, "data.db"), []Option{Durability(Normal)})
			},
			Persistent: true,
		})
	})
}
