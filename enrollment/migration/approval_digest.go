package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Content is what a plan's approval is bound to, beside its devices.
type Content struct {
	Tenant   enrollment.TenantID `json:"tenant"`
	Plan     enrollment.PlanID   `json:"plan"`
	Revision int64               `json:"revision"` // of the content: a list that was made anew has another one
	Route    Route               `json:"route"`
	Caps     Caps                `json:"caps"`
}

// Caps bound how a plan may go on after its approval, whatever the policy says then: a rule that was tightened since holds,
// one that was loosened since does not.
type Caps struct {
	Budget       []enrollment.Allowance `json:"budget"`
	Waves        []int                  `json:"waves"`
	WaveShare    int                    `json:"wave_share"`
	WaveEnough   int                    `json:"wave_enough"`
	FailureRatio int                    `json:"failure_ratio"`
}

// CapsOf returns the caps that a plan gets under these rules.
func CapsOf(w enrollment.WipePolicy) Caps {
	return Caps{Budget: w.Budget, Waves: w.Waves, WaveShare: w.WaveShare, WaveEnough: w.WaveEnough, FailureRatio: w.FailureRatio}
}

// Listed is one device of a plan's list, with the way that was chosen for it.
type Listed struct {
	Device   enrollment.Device `json:"device"`
	Decision Decision          `json:"decision"`
}

// Listing counts the devices of a list by what happens to them.
type Listing struct {
	Devices    int `json:"devices"`
	Wipes      int `json:"wipes"`
	Migrations int `json:"migrations"`
	Reassigned int `json:"reassigned"`
	Hands      int `json:"hands"`   // a person has to look at them
	Nothing    int `json:"nothing"` // they cannot be moved
}

// Digest makes of a plan's content and its devices, sorted by serial number, the value that approvals are bound to. It takes
// a stream, so that a list may have millions of devices.
type Digest struct {
	sum     hash.Hash
	last    string
	listing Listing
}

// NewDigest begins the digest of a plan.
func NewDigest(c Content) *Digest {
	d := &Digest{sum: sha256.New()}
	d.sum.Write([]byte("abmrenew plan v1\n"))
	d.write(c)
	return d
}

// Add takes the next device. It returns a [*enrollment.Problem] with code CodeInvalidInput unless its serial number comes
// behind that of the device before.
func (d *Digest) Add(l Listed) error {
	serial := l.Device.Serial
	if serial == "" || enrollment.NormalSerial(serial) != serial {
		return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "serial", "rule", "a serial number as Apple writes it")
	}
	if serial <= d.last {
		return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "serial", "rule", "each behind the one before, none twice")
	}
	if l.Decision.Strategy.name() == "" {
		return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", "strategy", "rule", "nothing, reassign, migrate, hands or wipe")
	}
	d.last = serial
	d.listing = d.listing.with(l.Decision.Strategy)
	d.write(l)
	return nil
}

// Sum returns the digest in hex, and how many devices it stands for.
func (d *Digest) Sum() (string, Listing) {
	end := sha256.New()
	end.Write(d.sum.Sum(nil))
	end.Write([]byte("end " + strconv.Itoa(d.listing.Devices)))
	return hex.EncodeToString(end.Sum(nil)), d.listing
}

// write adds one line. JSON has no line break inside, and a struct is always written alike.
func (d *Digest) write(v any) {
	text, _ := json.Marshal(v) // plain fields: it cannot fail
	d.sum.Write(append(text, '\n'))
}

func (l Listing) with(s Strategy) Listing {
	l.Devices++
	switch s {
	case Wipe:
		l.Wipes++
	case Migrate:
		l.Migrations++
	case Reassign:
		l.Reassigned++
	case Hands:
		l.Hands++
	default:
		l.Nothing++
	}
	return l
}
