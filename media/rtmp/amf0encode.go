package rtmp

import (
	"encoding/binary"
	"math"
	"time"
)

// appendAMF0 appends the encoding of values that this package itself made; a
// value of another Go type becomes undefined.
func appendAMF0(b []byte, values ...any) []byte {
	for _, v := range values {
		b = appendAMFValue(b, v)
	}
	return b
}

func appendAMFValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, amfNull)
	case bool:
		if v {
			return append(b, amfBoolean, 1)
		}
		return append(b, amfBoolean, 0)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, amfNumber), math.Float64bits(v))
	case string:
		if len(v) > math.MaxUint16 {
			b = binary.BigEndian.AppendUint32(append(b, amfLongString), uint32(len(v)))
			return append(b, v...)
		}
		return appendAMFName(append(b, amfString), v)
	case time.Time:
		ms := float64(v.UnixMilli())
		return append(binary.BigEndian.AppendUint64(append(b, amfDate), math.Float64bits(ms)), 0, 0)
	case Object:
		return appendAMFProperties(append(b, amfObject), v)
	case Array:
		b = binary.BigEndian.AppendUint32(append(b, amfECMAArray), uint32(len(v)))
		return appendAMFProperties(b, Object(v))
	case []any:
		b = binary.BigEndian.AppendUint32(append(b, amfStrictArray), uint32(len(v)))
		return appendAMF0(b, v...)
	}
	return append(b, amfUndefined)
}

func appendAMFProperties(b []byte, o Object) []byte {
	for _, p := range o {
		b = appendAMFValue(appendAMFName(b, p.Name), p.Value)
	}
	return append(b, 0, 0, amfObjectEnd)
}

// appendAMFName appends a string without a marker; a longer one than its length
// field can say is cut.
func appendAMFName(b []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
