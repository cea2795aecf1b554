package runner_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"sync"
	"sync/atomic"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// keymaker makes real RSA-2048 pairs without the search for primes, which takes most of the time: any two of a few primes
// make a modulus. What a pair of primes protects is as good as nothing, but it is not worth anything here either.
type keymaker struct {
	next atomic.Int64
}

// somePrimes are found once for all tests of a process.
var somePrimes = sync.OnceValue(func() []*big.Int {
	var primes []*big.Int
	for range 8 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		primes = append(primes, key.Primes...)
	}
	return primes
})

// Pair returns a pair as abmtoken.GenerateKeyPair makes it, and each one once. Other keymakers have the same.
func (m *keymaker) Pair(o abmtoken.KeyOptions) (abmtoken.KeyPair, error) {
	n := int(m.next.Add(1) - 1)
	madePairs.Lock()
	defer madePairs.Unlock()
	for len(madePairs.all) <= n {
		pair, err := newPair(len(madePairs.all), o, somePrimes())
		if err != nil {
			return abmtoken.KeyPair{}, err
		}
		madePairs.all = append(madePairs.all, pair)
	}
	return madePairs.all[n], nil
}

// madePairs are those that were made so far.
var madePairs struct {
	sync.Mutex
	all []abmtoken.KeyPair
}

func newPair(n int, o abmtoken.KeyOptions, primes []*big.Int) (abmtoken.KeyPair, error) {
	key, err := joinedKey(n, primes)
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	serial := make([]byte, 16)
	_, _ = rand.Read(serial)
	serial[0] = serial[0]&0x3f | 0x40
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: o.Name},
		NotBefore: o.Now, NotAfter: o.Now.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return abmtoken.KeyPair{}, err
	}
	return abmtoken.ImportKeyPair(
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), der)
}

// joinedKey is made of the n-th pair of primes.
func joinedKey(n int, primes []*big.Int) (*rsa.PrivateKey, error) {
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for i := range primes {
		if n >= len(primes)-1-i {
			n -= len(primes) - 1 - i
			continue
		}
		p, q := primes[i], primes[i+1+n]
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())},
			D:         new(big.Int).ModInverse(e, phi), Primes: []*big.Int{p, q},
		}
		key.Precompute()
		return key, key.Validate()
	}
	return nil, errors.New("keymaker: no two primes are left that were not used together")
}
