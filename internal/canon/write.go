package canon

import (
	"encoding/binary"
	"math"
)

// Lead bytes of MessagePack. Short forms carry their length or number in the low bits.
const (
	leadMap    = 0x80 // + count ≤ 15
	leadArray  = 0x90 // + count ≤ 15
	leadString = 0xa0 // + length ≤ 31
	leadNil    = 0xc0
	leadFalse  = 0xc2
	leadTrue   = 0xc3
	leadBin8   = 0xc4
	leadBin16  = 0xc5
	leadBin32  = 0xc6
	leadFloat  = 0xcb
	leadUint8  = 0xcc
	leadUint16 = 0xcd
	leadUint32 = 0xce
	leadUint64 = 0xcf
	leadInt8   = 0xd0
	leadInt16  = 0xd1
	leadInt32  = 0xd2
	leadInt64  = 0xd3
	leadStr8   = 0xd9
	leadStr16  = 0xda
	leadStr32  = 0xdb
	leadArr16  = 0xdc
	leadArr32  = 0xdd
	leadMap16  = 0xde
	leadMap32  = 0xdf
	leadNegFix = 0xe0 // ..0xff: −32..−1

	maxFixInt    = 0x7f
	maxFixString = 31
	maxFixCount  = 15
)

// AppendNil appends nil.
func AppendNil(dst []byte) []byte { return append(dst, leadNil) }

// AppendBool appends a boolean.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, leadTrue)
	}
	return append(dst, leadFalse)
}

// AppendUint appends an integer of the full unsigned range in its smallest form.
func AppendUint(dst []byte, n uint64) []byte {
	switch {
	case n <= maxFixInt:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, leadUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, leadUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, leadUint32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, leadUint64), n)
	}
}

// AppendInt appends an integer of the full signed range in its smallest form; a nonnegative one is written exactly as
// AppendUint writes it.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return AppendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, leadInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, leadInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, leadInt32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, leadInt64), uint64(n))
	}
}

// AppendFloat appends a float64. It does not normalise (see the constructor Float for values), and what it writes for a
// NaN no reader accepts.
func AppendFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, leadFloat), math.Float64bits(f))
}

// AppendString appends a string, which must be valid UTF-8 to be read again. It panics above 4 GiB.
func AppendString(dst []byte, s string) []byte {
	return append(appendStringHeader(dst, len(s)), s...)
}

// AppendStringBytes is AppendString for a string that is still part of what was received.
func AppendStringBytes(dst, s []byte) []byte {
	return append(appendStringHeader(dst, len(s)), s...)
}

// AppendBytes appends bytes. It panics above 4 GiB.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendBytesHeader(dst, len(b)), b...)
}

// AppendBytesHeader appends the header of a byte string; the caller appends its length bytes next. It panics if length is
// negative or above 2^32−1.
func AppendBytesHeader(dst []byte, length int) []byte {
	n := mustLength(length)
	switch {
	case n <= math.MaxUint8:
		return append(dst, leadBin8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, leadBin16), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, leadBin32), n)
	}
}

// AppendArray appends the header of an array; the caller appends its n items next. It panics if n is negative or above
// 2^32−1.
func AppendArray(dst []byte, n int) []byte {
	return appendCount(dst, n, leadArray, leadArr16, leadArr32)
}

// AppendMap appends the header of a map; the caller appends n keys, each followed by its item, next. In a Value the keys
// must be strings in ascending order. It panics if n is negative or above 2^32−1.
func AppendMap(dst []byte, n int) []byte {
	return appendCount(dst, n, leadMap, leadMap16, leadMap32)
}

func appendStringHeader(dst []byte, length int) []byte {
	n := mustLength(length)
	switch {
	case n <= maxFixString:
		return append(dst, leadString|byte(n))
	case n <= math.MaxUint8:
		return append(dst, leadStr8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, leadStr16), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, leadStr32), n)
	}
}

func appendCount(dst []byte, count int, fix, lead16, lead32 byte) []byte {
	n := mustLength(count)
	switch {
	case n <= maxFixCount:
		return append(dst, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, lead16), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, lead32), n)
	}
}

// mustLength guards the writer: MessagePack has no header for more, and a wrapped length would corrupt what is hashed.
func mustLength(n int) uint32 {
	if n < 0 || uint64(n) > math.MaxUint32 {
		panic("canon: a length or count must be within 0 and 2^32-1")
	}
	return uint32(n)
}
