package canon

// Type is what an item is, as far as its first byte tells. The order of the constants is the order of Compare, except
// that integers and floats compare by number.
type Type uint8

// The types of items.
const (
	TypeInvalid Type = iota // no item: the end of the input, or a byte that starts none
	TypeNull
	TypeBool
	TypeInt
	TypeFloat
	TypeString
	TypeBytes
	TypeArray
	TypeMap
)

// String names the type as errors name it.
func (t Type) String() string {
	switch t {
	case TypeNull:
		return "null"
	case TypeBool:
		return "a boolean"
	case TypeInt:
		return "an integer"
	case TypeFloat:
		return "a float"
	case TypeString:
		return "a string"
	case TypeBytes:
		return "bytes"
	case TypeArray:
		return "an array"
	case TypeMap:
		return "a map"
	default:
		return "nothing valid"
	}
}

func typeOf(lead byte) Type {
	switch {
	case lead <= maxFixInt || lead >= leadNegFix:
		return TypeInt
	case lead < leadArray:
		return TypeMap
	case lead < leadString:
		return TypeArray
	case lead < leadNil:
		return TypeString
	}
	switch lead {
	case leadNil:
		return TypeNull
	case leadFalse, leadTrue:
		return TypeBool
	case leadBin8, leadBin16, leadBin32:
		return TypeBytes
	case leadFloat:
		return TypeFloat
	case leadUint8, leadUint16, leadUint32, leadUint64, leadInt8, leadInt16, leadInt32, leadInt64:
		return TypeInt
	case leadStr8, leadStr16, leadStr32:
		return TypeString
	case leadArr16, leadArr32:
		return TypeArray
	case leadMap16, leadMap32:
		return TypeMap
	default:
		return TypeInvalid
	}
}
