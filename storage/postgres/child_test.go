package postgres_test

func childProcess() (ended bool, status int) { return false, 0 }
