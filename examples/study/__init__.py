"""Many runs that differ in numbers, and a line for what each of them found."""
