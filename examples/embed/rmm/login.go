package rmm

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Role is what a technician may do; an admin may do everything.
type Role string

// The roles.
const (
	Technicians Role = "technician"
	Admins      Role = "admin"
)

// Technician is who is logged in.
type Technician struct {
	ID, Name string
	Role     Role
}

// sessionFor is how long a login lasts.
const sessionFor = 12 * time.Hour

var errLogin = &Error{Status: http.StatusUnauthorized, Code: "login", Message: "Log in first"}

func (a *App) passwordHash(password string, salt []byte) ([]byte, error) {
	rounds := a.PasswordRounds
	if rounds == 0 {
		rounds = 600_000
	}
	return pbkdf2.Key(sha256.New, password, salt, rounds, 32)
}

// AddTechnician adds a technician who works for some customers.
func (a *App) AddTechnician(ctx context.Context, t Technician, password string, customers ...string) error {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	hash, err := a.passwordHash(password, salt)
	if err != nil {
		return err
	}
	_, err = a.Pool.Exec(ctx, `INSERT INTO technicians (id, name, role, salt, password) VALUES ($1, $2, $3, $4, $5)`, t.ID, t.Name, t.Role, salt, hash)
	for _, c := range customers {
		if err != nil {
			break
		}
		_, err = a.Pool.Exec(ctx, `INSERT INTO teams VALUES ($1, $2)`, t.ID, c)
	}
	return err
}

func (a *App) serveLogin(w http.ResponseWriter, r *http.Request) {
	var in struct{ Technician, Password string }
	token, err := "", Decode(r, &in)
	if err == nil {
		token, err = a.login(r.Context(), in.Technician, in.Password)
	}
	a.answer(w, r, map[string]string{"session": token}, err)
}

// login opens a session. In the table only its hash is kept.
func (a *App) login(ctx context.Context, id, password string) (string, error) {
	var salt, want []byte
	err := a.Pool.QueryRow(ctx, `SELECT salt, password FROM technicians WHERE id = $1`, id).Scan(&salt, &want)
	if err = found(err, errLogin); err != nil {
		return "", err
	}
	if got, err := a.passwordHash(password, salt); err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
		return "", errors.Join(errLogin, err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	token := hex.EncodeToString(secret)
	hash := sha256.Sum256([]byte(token))
	_, err = a.Pool.Exec(ctx, `INSERT INTO sessions VALUES ($1, $2, $3)`, hash[:], id, a.Now().Add(sessionFor))
	return token, err
}

// who returns whose session a request comes with.
func (a *App) who(r *http.Request) (t Technician, err error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	hash := sha256.Sum256([]byte(token))
	err = a.Pool.QueryRow(r.Context(), `SELECT t.id, t.name, t.role FROM sessions s JOIN technicians t ON t.id = s.technician
		WHERE s.hash = $1 AND s.expires_at > $2`, hash[:], a.Now()).Scan(&t.ID, &t.Name, &t.Role)
	return t, found(err, errLogin)
}

// worksFor reports whether a technician works for a customer.
func (a *App) worksFor(ctx context.Context, t Technician, customer string) (yes bool, err error) {
	err = a.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM customers WHERE id = $2
		AND ($3 OR EXISTS (SELECT FROM teams WHERE technician = $1 AND customer = $2)))`, t.ID, customer, t.Role == Admins).Scan(&yes)
	return yes, err
}

func (a *App) endSessions(ctx context.Context) error {
	_, err := a.Pool.Exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, a.Now())
	return err
}
