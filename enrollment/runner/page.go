package runner

import (
	"context"

	"github.com/abmrenew/abmrenew/storage"
)

// Page selects a part of a list.
type Page struct {
	After storage.Position // the Next of the page before; zero: from the beginning
	Limit int              // 1 to 1000; zero: 100
}

func (p Page) query(q storage.Query) (storage.Query, error) {
	orElse(&p.Limit, 100)
	q.After, q.Limit = p.After, p.Limit
	return q, validLimit(q.Limit)
}

func validLimit(n int) error {
	if n < 1 || n > storage.MaxPage {
		return invalid("limit", "1 to 1000")
	}
	return nil
}

// list reads one page. A record that cannot be read is reported and hides no other.
func list[T, V any](
	ctx context.Context, repo *storage.Repo[T], store storage.Store, q storage.Query, view func(storage.Item[T]) (V, error),
) (views []V, damaged []error, next storage.Position, more bool, err error) {
	q.Kind = repo.Key("", "").Kind
	records, err := store.List(ctx, q)
	if err != nil {
		return nil, nil, next, false, err
	}
	views = make([]V, 0, len(records))
	for _, rec := range records {
		next = rec.Position()
		item, err := repo.Decode(ctx, rec)
		if err != nil {
			damaged = append(damaged, asProblem(err))
			continue
		}
		v, err := view(item)
		if err != nil {
			return nil, nil, next, false, err
		}
		views = append(views, v)
	}
	return views, damaged, next, len(records) == q.Limit, nil
}
