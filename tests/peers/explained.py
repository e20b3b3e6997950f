"""What explains the gaps between the bounds of a program, for its table."""

INDEPENDENT = (
    "given w its discrete sites are independent, and so are those of the guide"
)
COUPLED = (
    "what w and the discrete sites have in common is lost, and enumeration keeps it"
)
CHAIN = "a guide of independent sites loses what the states of a chain have in common"
HARD = (
    "an animal once dead stays dead, so a state is nearly a function of the last, "
    "and independent states must not contradict each other"
)
WHY = {
    "toy_mixture_model_discrete_enumeration.py": f"{INDEPENDENT}; else {COUPLED}",
    "hmm.py model_1": CHAIN,
    "hmm.py model_2": CHAIN,
    "lda.py": f"{INDEPENDENT}; else, over 30 words, {COUPLED}",
    "ss_vae_M2.py": f"{INDEPENDENT}, but trained by relaxed labels, which a network "
    "does not read as it reads vertices",
    "dirichlet_process_mixture.ipynb": f"{INDEPENDENT}; else {COUPLED}",
    "cjs.py model_1": HARD,
    "sir_hmc.py": "a relaxed count is no number of trials for the next binomial",
    "annotation.py multinomial": f"{INDEPENDENT}; else {COUPLED}",
    "annotation.py mace": "an item's class and who guessed it are dependent",
    "hmm_enum.py model_1": CHAIN,
    "capture_recapture.py model_1": HARD,
    "test_funsor.py gmm": f"{INDEPENDENT}; else {COUPLED}",
    "test_funsor.py bernoulli_latent_model": "the two sites of a datum are dependent",
    "gaussian_shells.py": "the two shells are two modes, of which the guide keeps one",
}
