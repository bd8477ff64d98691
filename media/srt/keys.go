package srt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // SRT's choice (6.1.4)
	"encoding/binary"
	"errors"
	"slices"
)

// Keys of a packet, KK (3.1), and in key material both together (3.2.2).
const (
	keyEven = 1
	keyOdd  = 2
)

const (
	kmHead     = 16
	kmSalt     = 16
	iterations = 2048
)

var (
	errKM     = errors.New("srt: key material that cannot be read")
	errSecret = errors.New("srt: another passphrase")
)

// material is a key material message (3.2.2).
type material struct {
	which byte // keyEven, keyOdd, or both
	size  int  // of a key
	salt  []byte
	wrap  []byte
}

// parseMaterial reads key material. The result aliases b.
func parseMaterial(b []byte) (m material, err error) {
	const sign = 0x2029
	if len(b) < kmHead+kmSalt || b[0] != 0x12 || binary.BigEndian.Uint16(b[1:]) != sign {
		return m, errKM
	}
	m.which, m.size = b[3]&3, 4*int(b[15])
	ctr, auth, salt := b[8] == 2, b[9], 4*int(b[14])
	if m.which == 0 || !ctr || auth != 0 || salt != kmSalt || m.size != 16 && m.size != 24 && m.size != 32 {
		return m, errKM
	}
	n := m.size
	if m.which == keyEven|keyOdd {
		n *= 2
	}
	if m.salt, m.wrap = b[kmHead:kmHead+kmSalt], b[kmHead+kmSalt:]; len(m.wrap) != n+8 {
		return m, errKM
	}
	return m, nil
}

// keys decrypt the payloads of one connection.
type keys struct {
	passphrase string
	size       int
	salt       []byte
	kek        cipher.Block // of the passphrase and the salt
	salts      [4][]byte    // by key: what the counter begins with
	blocks     [4]cipher.Block
}

// newKeys opens the key material of a handshake. It takes about a millisecond.
func newKeys(passphrase string, m material) (*keys, error) {
	k := &keys{passphrase: passphrase, size: m.size}
	if err := k.renew(m); err != nil {
		return nil, err
	}
	return k, nil
}

// renew is take for another salt, with which the key that keys are wrapped in is made
// (6.1.4). That takes its time. Where m cannot be opened, nothing changes.
func (k *keys) renew(m material) error {
	key, err := pbkdf2.Key(sha1.New, k.passphrase, m.salt[8:], iterations, k.size)
	if err != nil {
		return err
	}
	was := *k
	if k.kek, err = aes.NewCipher(key); err == nil {
		k.salt = slices.Clone(m.salt)
		err = k.take(m)
	}
	if err != nil {
		*k = was
	}
	return err
}

// knows tells whether key material needs no renew.
func (k *keys) knows(m material) bool { return slices.Equal(k.salt, m.salt) }

// take goes on with the keys in m, whose salt is known; the other one stays.
func (k *keys) take(m material) error {
	if m.size != k.size {
		return errKM
	}
	plain, ok := unwrap(k.kek, m.wrap)
	if !ok {
		return errSecret
	}
	for _, which := range [...]byte{keyEven, keyOdd} { // even comes first
		if m.which&which == 0 {
			continue
		}
		block, err := aes.NewCipher(plain[:k.size])
		if err != nil {
			return err
		}
		k.blocks[which], k.salts[which], plain = block, k.salt, plain[k.size:]
	}
	return nil
}

// decrypt does that in place (6.3.2); false: the key is not known.
func (k *keys) decrypt(payload []byte, which byte, seq uint32) bool {
	block := k.blocks[which]
	if block == nil {
		return false
	}
	var iv [aes.BlockSize]byte // 6.1.2: (MSB(112, salt) XOR number) << 16
	copy(iv[:14], k.salts[which])
	binary.BigEndian.PutUint32(iv[10:], binary.BigEndian.Uint32(iv[10:])^seq)
	cipher.NewCTR(block, iv[:]).XORKeyStream(payload, payload)
	return true
}

// unwrap is RFC 3394, 2.2.2.
func unwrap(kek cipher.Block, wrapped []byte) (plain []byte, ok bool) {
	n := len(wrapped)/8 - 1
	var b [16]byte // A | R[i]
	copy(b[:8], wrapped)
	r := slices.Clone(wrapped[8:])
	for t := 6 * n; t > 0; t-- {
		at := 8 * ((t - 1) % n)
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(t))
		copy(b[8:], r[at:at+8])
		kek.Decrypt(b[:], b[:])
		copy(r[at:], b[8:])
	}
	return r, binary.BigEndian.Uint64(b[:]) == 0xa6a6a6a6a6a6a6a6
}
