package main

// cut says that a function need not be in the module. A name that ends in * stands for all that begin so.
type cut struct {
	names []string
	// returns is true for functions without results whose call does nothing, and false for those that are never called:
	// a call is a trap.
	returns bool
	// unless are functions that a module must not have. Its linker drops what is not called: where they are absent, nobody
	// calls them.
	unless []string
	// callers are, for functions that the cut ones are called by, all that may call these, and the cut ones themselves.
	callers map[string][]string
}

// cuts are what Go links and a module does not run.
var cuts = []cut{
	// Metrics are registered by name, and read through runtime/metrics alone.
	{names: []string{"internal/godebug.registerMetric"}, returns: true, unless: []string{"runtime/metrics.*"}},
	// A trace is started by runtime.StartTrace alone. While there is none, no traceLocker is ok, and nothing is asked of it.
	{
		names: []string{
			"runtime.traceAcquireEnabled", "runtime.traceAdvance*", "runtime.traceReader", "runtime.traceCPUSample",
			"runtime.traceLocker.Go*", "runtime.traceLocker.GC*", "runtime.traceLocker.Proc*", "runtime.traceLocker.STW*",
			"runtime.traceLocker.Heap*", "runtime.traceLocker.Span*", "runtime.traceLocker.emitUnblockStatus",
		},
		unless: []string{"runtime.StartTrace", "runtime/trace.*"},
	},
	// A profile of goroutines is taken for these.
	{
		names:  []string{"runtime.tryRecordGoroutineProfile*"},
		unless: []string{"runtime.GoroutineProfile", "runtime/pprof.*", "runtime.goroutineProfileWithLabels*", "runtime.pprof_*"},
	},
	// What blocks is noted if these ask for it, and goroutines that leak are looked for if this does.
	{
		names: []string{"runtime.saveblockevent"}, returns: true,
		unless: []string{"runtime.SetBlockProfileRate", "runtime.SetMutexProfileFraction", "runtime/pprof.*", "runtime.pprof_*"},
	},
	{names: []string{"runtime.findGoroutineLeaks"}, unless: []string{"runtime/pprof.*", "runtime.pprof_*"}},
	// A time zone with a rule for the years to come is loaded by these; the one of a browser has none.
	{names: []string{"time.tzset"}, unless: []string{"time.LoadLocation*", "time.loadLocation*"}},
	// Without a reader of the profile of memory, the linker sets the rate at which it is taken to 0.
	{
		names: []string{"runtime.profilealloc"}, returns: true,
		unless: []string{"runtime.MemProfile", "runtime.memProfileInternal", "runtime/pprof.*", "runtime.pprof_*"},
	},
	// A reflect.Value that is a method is made by these.
	{names: []string{"reflect.makeMethodValue", "reflect.methodValueCall"}, unless: []string{"reflect.Value.Method*"}},
	// log/slog alone calls what log leaves for it.
	{names: []string{"log.init.0.func1"}, unless: []string{"log/slog.*"}},
	// A list of frames without names, and the words of a heap that is broken: what is printed before and after stays.
	{names: []string{"runtime.traceback1", "runtime.tracebacksomeothers", "runtime.hexdumpWords", "runtime.gcDumpObject"}, returns: true},
	// What GODEBUG=schedtrace, checkfinalizers, gccheckmark and scavtrace do. GODEBUG=name=value#pattern is a trap.
	{names: []string{"runtime.schedtrace", "runtime.checkFinalizersAndCleanups", "runtime.runCheckmark", "runtime.printScavTrace"}, returns: true},
	{names: []string{"internal/bisect.*"}},
	// There is one module, and its tables are written here.
	{names: []string{"runtime.typelinksinit", "runtime.moduledataverify1"}, returns: true},
	// There is no C.
	{names: []string{"runtime.cgocall"}},
	// Self-tests and a generator of random numbers that run if GODEBUG=fips140 is on: it is a trap.
	{names: []string{
		"crypto/internal/fips140/aes.init.0.func1", "crypto/internal/fips140/aes/gcm.init.0.func1",
		"crypto/internal/fips140/drbg.init.0.func1", "crypto/internal/fips140/hkdf.init.0.func1",
		"crypto/internal/fips140/hmac.init.0.func1", "crypto/internal/fips140/sha256.init.0.func1",
		"crypto/internal/fips140/sha3.init.0.func1", "crypto/internal/fips140/sha512.init.0.func1",
		"crypto/internal/fips140/drbg.init.func1", "crypto/internal/fips140/drbg.NewCounter", "crypto/internal/fips140/drbg.(*Counter).*",
	}},
	// AES serves these.
	{
		names: []string{
			"crypto/internal/fips140/aes.(*Block).*", "crypto/internal/fips140/aes.(*CBC*", "crypto/internal/fips140/aes.(*CTR).*",
			"crypto/internal/fips140/aes.new*",
		},
		unless: []string{"crypto/aes.*", "crypto/cipher.*", "crypto/internal/fips140/aes/gcm.New*"},
	},
	// kdelta's decoders decode blocks: none is given a stream.
	{
		names: []string{
			"github.com/klauspost/compress/zstd.(*Decoder).startStreamDecoder", "github.com/klauspost/compress/zstd.(*Decoder).Read",
			"github.com/klauspost/compress/zstd.(*Decoder).WriteTo",
		},
		callers: map[string][]string{
			"github.com/klauspost/compress/zstd.(*Decoder).startStreamDecoder": {"github.com/klauspost/compress/zstd.(*Decoder).Reset*"},
			"github.com/klauspost/compress/zstd.(*Decoder).Reset":              {"github.com/klauspost/compress/zstd.NewReader"},
			"github.com/klauspost/compress/zstd.NewReader":                     {"github.com/kdelta/kdelta/internal/zstd.*"},
		},
	},
}

// aesReaders are the functions that read the tables of AES.
var aesReaders = []string{
	"crypto/internal/fips140/aes.encryptBlockGeneric", "crypto/internal/fips140/aes.decryptBlockGeneric",
	"crypto/internal/fips140/aes.expandKeyGeneric",
}
