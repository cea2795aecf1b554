package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// Adoption is a server that a host brings along: with its token, its key pairs, or both.
type Adoption struct {
	Tenant    enrollment.TenantID
	Reference string // the host's own ID of it, unique in the tenant: adopting it again changes only what is new
	Name      string
	Site      enrollment.SiteID

	// What the host knows of the service at Apple. With ServerUUID it is the pin; without, Apple's first answer is.
	ServerUUID string
	OrgID      string
	OrgName    string

	Token     abmtoken.Secret // the token's JSON, as it stands in the file; empty: none
	TokenFile []byte          // or the .p7m file, opened with one of Keys
	Keys      []AdoptedKey
}

// AdoptedKey is a key pair that the host brings along. Certificates that do not tell servers apart (made with the same
// issuer and serial for all) are no obstacle: such a key is tried on the files of its own server.
type AdoptedKey struct {
	Key         abmtoken.Secret // PEM: PKCS #1 or PKCS #8
	Certificate []byte          // PEM or DER; empty: not kept
}

// RowOutcome is what became of one row.
type RowOutcome string

// The outcomes of a row.
const (
	RowAdded     RowOutcome = "added"
	RowUpdated   RowOutcome = "updated"
	RowUnchanged RowOutcome = "unchanged"
	RowRefused   RowOutcome = "refused"
)

// RowResult says what became of one row of an adoption.
type RowResult struct {
	Row       int                 `json:"row"` // 1 for the first
	Tenant    enrollment.TenantID `json:"tenant,omitempty"`
	Reference string              `json:"reference,omitempty"`
	Server    enrollment.ServerID `json:"server,omitempty"`
	Outcome   RowOutcome          `json:"outcome"`
	Problem   *enrollment.Problem `json:"problem,omitempty"` // why it was refused
	Warning   *enrollment.Problem `json:"warning,omitempty"` // what to know about a row that was taken
}

// Adopted counts the rows of an adoption by outcome.
type Adopted struct {
	Added     int `json:"added"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
}

func (a *Adopted) count(o RowOutcome) {
	switch o {
	case RowAdded:
		a.Added++
	case RowUpdated:
		a.Updated++
	case RowUnchanged:
		a.Unchanged++
	case RowRefused:
		a.Refused++
	}
}

// adoptBatch is how many rows of one tenant share a write.
const adoptBatch = 64

// Adopt takes servers that the host ran before: any number, in one stream, with memory for a few rows only. A row with a
// problem is reported and does not stop the others; rows is asked for no more after its first error, or one of the store.
// Interrupted or repeated, an adoption goes on by reference, and changes nothing twice. First probes are spread over the
// policy's ProbeEvery, and of the expiry reminders only the present one fires. Report may be nil; it hears of the rows in no
// promised order (see RowResult.Row).
func (r *Runner) Adopt(
	ctx context.Context, by enrollment.Actor, rows iter.Seq2[Adoption, error], report func(RowResult),
) (Adopted, error) {
	var total Adopted
	if err := validActor(by); err != nil {
		return total, err
	}
	tell := func(results []RowResult) {
		for _, result := range results {
			total.count(result.Outcome)
			if report != nil {
				report(result)
			}
		}
	}
	var batch []preparedRow
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		results, err := r.adoptBatch(ctx, by, batch)
		batch = batch[:0]
		if err == nil {
			tell(results)
		}
		return err
	}
	n := 0
	for row, err := range rows {
		n++
		if err != nil {
			if flushErr := flush(); flushErr != nil {
				return total, flushErr
			}
			problem := invalid("rows", "readable to the end").Because(err)
			if errors.Is(err, ErrAdoptionFormat) {
				problem.Title = "The list of servers is broken"
				problem.Next = strings.TrimPrefix(err.Error(), "runner: ") +
					". Mend the list and adopt it again; the rows before that one were taken, and stay as they are"
			}
			return total, problem
		}
		prepared, problem := prepareRow(n, row)
		if problem != nil {
			tell([]RowResult{prepared.refused(problem)})
			continue
		}
		if len(batch) == adoptBatch || len(batch) > 0 && batch[0].Tenant != row.Tenant {
			if err := flush(); err != nil {
				return total, err
			}
		}
		batch = append(batch, prepared)
	}
	return total, flush()
}

// preparedRow is a row whose token and keys were read and fit together.
type preparedRow struct {
	Adoption
	n     int
	id    enrollment.ServerID
	token abmtoken.Token
	keyID string
	pairs []abmtoken.KeyPair
}

func (p preparedRow) result(o RowOutcome) RowResult {
	return RowResult{Row: p.n, Tenant: p.Tenant, Reference: p.Reference, Server: p.id, Outcome: o}
}

func (p preparedRow) refused(problem *enrollment.Problem) RowResult {
	result := p.result(RowRefused)
	result.Problem = problem
	return result
}

// adoptedID is the same whenever the same thing is adopted.
func adoptedID(tenant enrollment.TenantID, reference string) enrollment.ServerID {
	sum := sha256.Sum256([]byte(string(tenant) + "\x00" + reference))
	return enrollment.ServerID("srv_" + hex.EncodeToString(sum[:13]))
}

// prepareRow reads what a row brings, before anything is written.
func prepareRow(n int, row Adoption) (preparedRow, *enrollment.Problem) {
	p := preparedRow{Adoption: row, n: n}
	fail := func(err error) (preparedRow, *enrollment.Problem) { return p, enrollment.ProblemOf(err) }
	if err := validTenant(row.Tenant); err != nil {
		return fail(err)
	}
	if row.Reference == "" || len(row.Reference) > maxName || !printable(row.Reference) {
		return fail(invalid("reference", "1 to 128 printable characters: the host's own ID of the server"))
	}
	p.id = adoptedID(row.Tenant, row.Reference)
	if err := validServer(NewServer{ID: p.id, Name: row.Name, Site: row.Site}); err != nil {
		return fail(err)
	}
	if !printable(row.ServerUUID+row.OrgID+row.OrgName) || len(row.ServerUUID) > maxName || len(row.OrgID)+len(row.OrgName) > 4*maxName {
		return fail(invalid("service", "the server_uuid, org_id and org_name as Apple gave them"))
	}
	for _, k := range row.Keys {
		pair, err := abmtoken.ImportKeyPair([]byte(k.Key.Reveal()), k.Certificate)
		if err != nil {
			// What it says names no part of the key.
			return fail(invalid("key", strings.TrimPrefix(err.Error(), abmtoken.ErrBadKey.Error()+": ")))
		}
		p.pairs = append(p.pairs, pair)
	}
	switch {
	case len(row.TokenFile) > 0:
		envelope, err := abmtoken.ReadEnvelope(row.TokenFile)
		if err != nil {
			return p, notTaken(err)
		}
		token, pair, err := envelope.Open(p.pairs...)
		if err != nil {
			return p, notTaken(err)
		}
		p.token, p.keyID = token, pair.ID()
	case !row.Token.IsZero():
		token, err := abmtoken.ParseToken([]byte(row.Token.Reveal()))
		if err != nil {
			problem := notTaken(err)
			// What it says names no part of the token.
			problem.Title = "The row's token is no server token: " + strings.TrimPrefix(err.Error(), abmtoken.ErrBadContent.Error()+": ")
			return p, problem
		}
		p.token = token
	}
	if p.token.IsZero() && len(p.pairs) == 0 {
		return fail(invalid("row", "a server with a token, a key pair, or both"))
	}
	return p, nil
}

// notTaken says why a row's token cannot be read. The advice that goes with an upload, to download the token again, would end
// the one that the old system still works with.
func notTaken(err error) *enrollment.Problem {
	problem := fileProblem(err)
	if problem.Code != enrollment.CodeFIPS && problem.Code != enrollment.CodeInternal {
		problem.Next = "Adopt the row again with the token as the old system holds it, a file with the key pair that it was made for. " +
			"Do not download it again for this: that ends the token in use"
	}
	return problem
}
