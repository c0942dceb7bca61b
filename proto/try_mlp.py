import sys; sys.path.insert(0,'/work/wt/compile'); sys.path.insert(0,'/work/wt/compile/proto')
import time
import numpy as np
import compiler as C
from tinytorch.core import autograd
from tinytorch.core.tensor import Tensor
from tinytorch.core.networks import MLP
from tinytorch.core.training import Adam, SGD, cross_entropy, mse_loss
rng=np.random.default_rng(0)
X=rng.normal(size=(64,64)).astype('f4'); Y=rng.integers(0,10,64)
net=MLP([64,128,10],rng=0); opt=SGD(net.parameters(),lr=0.1)
def step(x):
    opt.zero_grad()
    loss=((net(Tensor(x) if type(x) is np.ndarray else bare(x)))**2).mean()
    loss.backward()
    opt.step()
    return loss.data.data
from tinytorch.support.variables import bare_tensor as bare
ps=net.parameters()
p=C.trace(step,[X],ps)
print(len(p.steps)); C.without_dead(p); print('dead',len(p.steps)); C.without_common(p); print('common',len(p.steps))
f,body,buffers=C.compiled(p,[q.data for q in ps])
print(body); print(len(buffers))
import copy
net2=MLP([64,128,10],rng=0); opt2=SGD(net2.parameters(),lr=0.1)
def eager(x):
    opt2.zero_grad()
    loss=((net2(Tensor(x)))**2).mean(); loss.backward(); opt2.step(); return loss.data.data
for k in range(6):
    x=rng.normal(size=(64,64)).astype('f4')
    a=f(x); b=eager(x)
    assert a==b and all((p.data==q.data).all() for p,q in zip(net.parameters(),net2.parameters())),k
print('equal to the last bit')
def t(g,n=300):
    r=[]
    for _ in range(n):
        s=time.process_time(); g(X); r.append(time.process_time()-s)
    return sorted(r)[n//4]*1e6
print('eager %.0f compiled %.0f us'%(t(eager),t(f)))
