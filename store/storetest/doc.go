// Package storetest proves store adapters, and breaks working ones on purpose.
//
// # Proving
//
// [Run] holds an [Adapter] to the contract of package store: what each method returns, in which order, what a
// snapshot shows, what is left after an error, a panic or a Close, and that nothing gets lost between goroutines. The
// oracle is a Go map per table; [pgregory.net/rapid] draws the transactions and shrinks what fails.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, storetest.Adapter{
//			Open: func(_ context.Context, dir string) (store.Store, error) {
//				return mystore.Open(filepath.Join(dir, "data"))
//			},
//			Persistent: true,
//		})
//	}
//
// What a process that dies leaves behind cannot be seen from inside; an adapter with a disk beneath adds such tests
// of its own.
//
// # Breaking
//
// [Faulty] wraps a store so that it fails, or dies, at a chosen write or commit. It is deterministic: the same calls
// under the same [Plan] meet the same faults, so a simulation can walk through every site of a script:
//
//	dry := storetest.Faulty(memory.New(), nil)
//	script(dry)
//	for n := 1; n <= dry.Count(storetest.Write); n++ {
//		disk := memory.New()
//		script(storetest.Faulty(disk, storetest.Plan{{Site: storetest.Write, Nth: n, Err: storetest.ErrCrashed}}))
//		recover(disk.Clone()) // what a restart finds
//	}
package storetest
